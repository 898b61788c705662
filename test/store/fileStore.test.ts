import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { mediaTypes, type Ref } from '../../src/contract';
import { canonicalJson, openStore } from '../../src/store';
import { child, ended, filesBelow, freshStore, removeTemporaryFolders, says, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);

const pathOf = (root: string, ref: Ref): string => join(root, 'objects', ref.digest.slice(7, 9), ref.digest.slice(9));

test('a text, a buffer, a stream and a file of the same bytes are one object', async () => {
  const { store, root } = freshStore();
  writeFileSync(join(root, '..', 'file'), 'hello');
  const refs = [
    await store.put('hello', mediaTypes.text),
    await store.put(Buffer.from('hello'), mediaTypes.text),
    await store.put(Readable.from([Buffer.from('he'), Buffer.from('llo')]), mediaTypes.text),
    await store.putFile(join(root, '..', 'file'), mediaTypes.text),
  ];
  expect(new Set(refs.map((ref) => ref.digest))).toEqual(
    new Set(['sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824']),
  );
  expect(refs[0]?.size).toBe(5);
  expect(filesBelow(join(root, 'objects'))).toHaveLength(1);
  expect(filesBelow(join(root, 'tmp'))).toEqual([]);
  expect((await store.get(refs[0] as Ref)).toString()).toBe('hello');
});

test('equal JSON values share a digest whatever the order of their keys', async () => {
  const { store } = freshStore();
  const one = await store.putJson({ b: [1, null, 'ü'], a: { d: true, c: undefined } });
  const other = await store.putJson({ a: { d: true }, b: [1, null, 'ü'] });
  expect(one).toEqual(other);
  expect(await store.getJson(one)).toEqual({ a: { d: true }, b: [1, null, 'ü'] });
});

test('a number that JSON lacks is refused with its place', () => {
  expect(() => canonicalJson({ metrics: [{ auc: Number.NaN }] })).toThrow(
    '$.metrics[0].auc is NaN, which JSON cannot hold; use null for an undefined number',
  );
});

test('a damaged object is never handed out, and the error names the digest and the file', async () => {
  const { store, root } = freshStore();
  const ref = await store.put('precious', mediaTypes.text);
  writeFileSync(pathOf(root, ref), 'previous');
  const target = join(root, '..', 'out');
  for (const read of [store.get(ref), store.fetchTo(ref, target)])
    await expect(read).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringMatching(new RegExp(`${ref.digest} is damaged: ${pathOf(root, ref)}`)),
    });
  expect(() => statSync(target)).toThrow('ENOENT');
  expect(filesBelow(join(root, '..')).filter((path) => path.endsWith('.part'))).toEqual([]);
});

test('storing the same bytes again heals a damaged object', async () => {
  const { store, root } = freshStore();
  const ref = await store.put('precious', mediaTypes.text);
  truncateSync(pathOf(root, ref), 3);
  expect(await store.has(ref)).toBe(false);
  await store.put('precious', mediaTypes.text);
  expect((await store.get(ref)).toString()).toBe('precious');
});

test('an object that is not there is NotFound', async () => {
  const { store } = freshStore();
  const ref = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: mediaTypes.text };
  expect(await store.has(ref)).toBe(false);
  await expect(store.get(ref)).rejects.toMatchObject({ type: 'NotFound', message: expect.stringContaining('is not in the store file://') });
  await expect(store.fetchTo(ref, join(temporaryFolder(), 'x'))).rejects.toMatchObject({ type: 'NotFound' });
});

test('a folder comes back as it was, and the same files give the same reference', async () => {
  const { store, root } = freshStore();
  const make = (name: string, order: string[]): string => {
    const dir = join(root, '..', name);
    for (const path of order) {
      mkdirSync(join(dir, path, '..'), { recursive: true });
      writeFileSync(join(dir, path), `content of ${path}`);
    }
    return dir;
  };
  const paths = ['b.txt', 'a/z.bin', 'a-b', 'a/b/c', 'ü.txt'];
  const ref = await store.putFolder(make('one', paths));
  expect(await store.putFolder(make('two', [...paths].reverse()))).toEqual(ref);
  const back = join(root, '..', 'back');
  mkdirSync(back);
  writeFileSync(join(back, 'old'), 'replaced');
  await store.fetchFolder(ref, back);
  expect(filesBelow(back)).toEqual([...paths].sort());
  expect(readFileSync(join(back, 'a/b/c'), 'utf8')).toBe('content of a/b/c');
});

test('a folder with a link in it is refused by name', async () => {
  const { store, root } = freshStore();
  const dir = join(root, '..', 'linked');
  mkdirSync(dir);
  symlinkSync('/etc/hostname', join(dir, 'secret'));
  await expect(store.putFolder(dir)).rejects.toMatchObject({
    type: 'DataInvalid',
    message: expect.stringContaining(`${join(dir, 'secret')} is neither a file nor a folder`),
  });
});

test('a folder of which one object is damaged does not appear at all', async () => {
  const { store, root } = freshStore();
  const dir = join(root, '..', 'folder');
  mkdirSync(dir);
  writeFileSync(join(dir, 'a'), 'first');
  writeFileSync(join(dir, 'b'), 'second');
  const ref = await store.putFolder(dir);
  const second = await store.put('second', mediaTypes.bytes);
  writeFileSync(pathOf(root, second), 'sec0nd');
  await expect(store.fetchFolder(ref, join(root, '..', 'back'))).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  expect(filesBelow(join(root, '..')).filter((path) => path.startsWith('back'))).toEqual([]);
});

test('a manifest that points outside its folder is refused', async () => {
  const { store } = freshStore();
  const { digest, size } = await store.put('x', mediaTypes.bytes);
  const manifest = await store.putJson({ files: [{ path: '../escaped', size, digest }] });
  await expect(store.fetchFolder(manifest, join(temporaryFolder(), 'in'))).rejects.toMatchObject({ type: 'ObjectCorrupt' });
});

test('a process killed while it writes leaves no object, and the next process sweeps its temporary file', async () => {
  const { store, root } = freshStore();
  const writer = child('endless', store.url);
  await says(writer, 'flowing');
  writer.kill('SIGKILL');
  await ended(writer);
  expect(filesBelow(join(root, 'objects'))).toEqual([]);
  expect(filesBelow(join(root, 'tmp'))).toHaveLength(1);
  await store.put('next', mediaTypes.text);
  expect(filesBelow(join(root, 'tmp'))).toEqual([]);
  expect(filesBelow(join(root, 'objects'))).toHaveLength(1);
});

test('a full disk is StoreUnavailable, names the path and the mend, and leaves no partial file', async () => {
  const { store, root } = freshStore();
  // A limit on the size of files stands for the disk: the write fails in its middle, as it does on a full one.
  const said = execFileSync(
    'bash',
    ['-c', `ulimit -f 64; exec "$0" "$@"`, process.execPath, join(__dirname, 'child.js'), 'put', store.url, '1000000'],
    { encoding: 'utf8' },
  );
  expect(said).toMatch(
    /^StoreUnavailable: The store is full: .*tmp.* could not be written \(EFBIG\)\. Nothing half-written is left; free space on that disk, and the run goes on\./,
  );
  expect(filesBelow(root)).toEqual([]);
});

test('a stream larger than the memory a put may take is stored and fetched whole', async () => {
  const { store } = freshStore();
  const block = randomBytes(1 << 20);
  let left = 96;
  const ref = await store.put(
    new Readable({
      read() {
        this.push(left-- > 0 ? block : null);
      },
    }),
    mediaTypes.bytes,
  );
  expect(ref.size).toBe(96 << 20);
  const target = join(temporaryFolder(), 'big');
  await store.fetchTo(ref, target);
  expect(statSync(target).size).toBe(96 << 20);
});

test('other kinds of address are refused with what to use', () => {
  expect(() => openStore('s3://bucket/prefix')).toThrow(
    'The store "s3://bucket/prefix" cannot be opened: this version keeps objects in a folder. Use file:///absolute/folder.',
  );
});
