import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Manifest, mediaTypes, type Ref } from '../../src/contract';
import { canonicalJson, openStore } from '../../src/store';
import { child, ended, filesBelow, flipBit, freshStore, objectPath, removeTemporaryFolders, says, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

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
  writeFileSync(objectPath(root, ref), 'previous');
  const target = join(root, '..', 'out');
  for (const read of [store.get(ref), store.fetchTo(ref, target)])
    await expect(read).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringMatching(new RegExp(`${ref.digest} is damaged: ${objectPath(root, ref)}`)),
    });
  expect(() => statSync(target)).toThrow('ENOENT');
  expect(filesBelow(join(root, '..')).filter((path) => path.endsWith('.part'))).toEqual([]);
});

test('storing the same bytes again heals a damaged object', async () => {
  const { store, root } = freshStore();
  const ref = await store.put('precious', mediaTypes.text);
  truncateSync(objectPath(root, ref), 3);
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

test('a put and a fetch of 300 MB take less than 64 MB of memory', () => {
  const { store } = freshStore();
  const said = execFileSync(process.execPath, [join(__dirname, 'child.js'), 'grow', store.url, '300', join(temporaryFolder(), 'big')]);
  const { size, grown } = JSON.parse(said.toString()) as { size: number; grown: number };
  expect(size).toBe(300 << 20);
  expect(grown).toBeLessThan(64);
});

test('a range is what those bytes of the object are, and is not handed out where the rest is damaged', async () => {
  const { store, root } = freshStore();
  const bytes = randomBytes(3 << 20);
  const ref = await store.put(bytes, mediaTypes.bytes);
  for (const [start, end] of [
    [0, 0],
    [0, 10],
    [(1 << 20) - 1, (1 << 20) + 1],
    [100, 3 << 20],
    [0, 3 << 20],
    [(3 << 20) - 1, 4 << 20],
  ] as const)
    expect((await store.get(ref, { start, end })).equals(bytes.subarray(start, end))).toBe(true);
  flipBit(objectPath(root, ref), 2 << 20);
  await expect(store.get(ref, { start: 0, end: 10 })).rejects.toMatchObject({ type: 'ObjectCorrupt' });
});

test('a stream gives the bytes, ends with an error where they were damaged, and says at once what is not there', async () => {
  const { store, root } = freshStore();
  const bytes = randomBytes(5 << 20);
  const ref = await store.put(bytes, mediaTypes.bytes);
  expect((await buffer(await store.stream(ref))).equals(bytes)).toBe(true);
  flipBit(objectPath(root, ref), 4 << 20);
  const damaged = await store.stream(ref);
  await expect(buffer(damaged)).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  await expect(store.stream({ digest: `sha256:${'0'.repeat(64)}` })).rejects.toMatchObject({ type: 'NotFound' });
  expect(await buffer(await store.stream(await store.put('', mediaTypes.bytes)))).toHaveLength(0);
});

test('a stream that its reader gives up, or that breaks, leaves nothing behind', async () => {
  const { store, root } = freshStore();
  const ref = await store.put(randomBytes(8 << 20), mediaTypes.bytes);
  const given = await store.stream(ref);
  for await (const _ of given) break;
  expect(given.destroyed).toBe(true);
  const broken = Readable.from(
    (function* () {
      yield Buffer.alloc(100);
      throw new Error('the source broke');
    })(),
  );
  await expect(store.put(broken, mediaTypes.bytes)).rejects.toThrow('the source broke');
  expect(filesBelow(join(root, 'tmp'))).toEqual([]);
  expect(filesBelow(join(root, 'objects'))).toHaveLength(1);
});

test('a file that is not there, and one that changes while it is stored, are told by name', async () => {
  const { store, root } = freshStore();
  const path = join(root, '..', 'growing');
  await expect(store.putFile(path, mediaTypes.bytes)).rejects.toMatchObject({ code: 'ENOENT', path });
  writeFileSync(path, Buffer.alloc(64 << 20));
  const storing = store.putFile(path, mediaTypes.bytes);
  const change = setInterval(() => appendFileSync(path, 'x'), 1);
  await expect(storing.finally(() => clearInterval(change))).rejects.toMatchObject({ code: 'ECHANGED', path });
  expect(filesBelow(join(root, 'objects'))).toEqual([]);
  expect(filesBelow(join(root, 'tmp'))).toEqual([]);
});

test('a file that may not be read is told as such, and is no fault of the store', async () => {
  const { store, root } = freshStore();
  const folder = join(root, '..', 'folder');
  mkdirSync(folder);
  await expect(store.putFile(folder, mediaTypes.bytes)).rejects.toMatchObject({ code: 'EISDIR', path: folder });
  const broken = Readable.from(
    (function* () {
      yield Buffer.alloc(100);
      throw Object.assign(new Error('the disk of the source broke'), { code: 'EIO' });
    })(),
  );
  await expect(store.put(broken, mediaTypes.bytes)).rejects.toMatchObject({ code: 'EIO' });
});

test('a folder that vanishes while it is in use is StoreUnavailable, and no loss of what it held', async () => {
  const { store, root } = freshStore();
  const ref = await store.put('precious', mediaTypes.text);
  renameSync(root, `${root}.away`);
  for (const act of [() => store.get(ref), () => store.has(ref), () => store.put('other', mediaTypes.text), () => store.refs.get('name')])
    await expect(act()).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringContaining('is gone. Mount it or restore it'),
    });
  renameSync(`${root}.away`, root);
  expect((await store.get(ref)).toString()).toBe('precious');
  await store.put('other', mediaTypes.text);
});

test('an abandoned put stops, and leaves nothing behind', async () => {
  const { store, root } = freshStore();
  const path = join(root, '..', 'file');
  writeFileSync(path, Buffer.alloc(64 << 20));
  const controller = new AbortController();
  const storing = store.putFile(path, mediaTypes.bytes, { signal: controller.signal });
  controller.abort();
  await expect(storing).rejects.toMatchObject({ name: 'AbortError' });
  expect(filesBelow(root)).toEqual([]);
});

test('the list names every object once, packed ones too, and a deleted one no more', async () => {
  const { store, root } = freshStore();
  const dir = join(root, '..', 'small');
  mkdirSync(dir);
  for (let i = 0; i < 40; i++) writeFileSync(join(dir, `${i}`), `small ${i}`);
  const manifest = await store.putFolder(dir);
  // Loose and packed.
  const loose = await store.put('small 7', mediaTypes.text);
  const other = await store.put('other', mediaTypes.text);
  const listed = await collect(store.list());
  expect(new Set(listed.map(({ digest }) => digest)).size).toBe(listed.length);
  expect(listed).toHaveLength(40 + 2);
  expect(listed.filter(({ pack }) => pack !== null)).toHaveLength(39);
  expect(listed.find(({ digest }) => digest === loose.digest)).toMatchObject({ size: 7, pack: null });
  await store.delete(other.digest);
  expect(await store.has(other)).toBe(false);
  expect((await collect(store.list())).map(({ digest }) => digest)).not.toContain(other.digest);
  expect(await store.has(manifest)).toBe(true);
});

test('verify reads an object and says how it is', async () => {
  const { store, root } = freshStore();
  const ref = await store.put('precious', mediaTypes.text);
  expect((await store.verify(ref.digest)).replicas).toEqual([{ url: store.url, state: 'sound', detail: objectPath(root, ref) }]);
  flipBit(objectPath(root, ref));
  expect((await store.verify(ref.digest)).replicas).toMatchObject([
    { state: 'corrupt', detail: expect.stringContaining(`${objectPath(root, ref)} has 8 bytes with digest sha256:`) },
  ]);
  expect((await store.verify(`sha256:${'0'.repeat(64)}`)).replicas).toMatchObject([{ state: 'missing' }]);
});

test('a member of a pack is found, read by range, verified, and named with its pack where it is damaged', async () => {
  const { store, root } = freshStore();
  const dir = join(root, '..', 'small');
  mkdirSync(dir);
  for (let i = 0; i < 40; i++) writeFileSync(join(dir, `${i}`.padStart(2, '0')), `content ${i}`);
  const manifest = await store.getJson<Manifest>(await store.putFolder(dir));
  const member = manifest.files[5]!;
  const again = openStore(store.url);
  expect(await again.has(member)).toBe(true);
  expect((await again.get(member)).toString()).toBe('content 5');
  expect((await again.get(member, { start: 8, end: 9 })).toString()).toBe('5');
  const [pack] = filesBelow(join(root, 'packs'));
  flipBit(join(root, 'packs', pack!), readFileSync(join(root, 'packs', pack!)).indexOf('content 5'));
  await expect(openStore(store.url).get(member)).rejects.toMatchObject({
    type: 'ObjectCorrupt',
    message: expect.stringContaining(`${member.digest} is damaged: ${join(root, 'packs', pack!)} (bytes `),
  });
  expect((await again.get(manifest.files[6]!)).toString()).toBe('content 6');
});
