import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Source } from '../../src/store/backend';
import { openStore } from '../../src/store';
import { FileBackend } from '../../src/store/file';
import { objectKey, packKey, parseKey } from '../../src/store/keys';
import { packFiles, PackIndex, type PackMember } from '../../src/store/packs';
import { PackWriter } from '../../src/store/packs/packWriter';
import type { FolderOptions, StoredFile } from '../../src/store/store';
import { ended, filesBelow, removeTemporaryFolders, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);

const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** Packs and objects in a folder, as a store keeps them, and what was asked of it. */
class Shelf {
  readonly root = temporaryFolder();
  readonly backend = new FileBackend(pathToFileURL(this.root).href);
  readonly spool: string = this.backend.spool;
  readonly index = this.freshIndex();
  listed = 0;
  filesPut: string[] = [];
  packsPut: { source: Source; members: readonly PackMember[] }[] = [];

  constructor() {
    mkdirSync(this.spool, { recursive: true });
  }

  /** As another process has it. */
  freshIndex(): PackIndex {
    const { backend } = this;
    const counted = (): number => this.listed++;
    return new PackIndex({
      async *list() {
        counted();
        for await (const { key, size } of backend.list('packs/')) yield { digest: parseKey(key)?.digest ?? '', size };
      },
      read: async (pack, range) => {
        const stream = await backend.read(packKey(pack), range);
        return stream === null ? Buffer.alloc(0) : await buffer(stream);
      },
    });
  }

  async has(digest: string): Promise<boolean> {
    return (await this.backend.stat(objectKey(digest))) !== null || (await this.index.find(digest)) !== null;
  }

  async putFile(path: string): Promise<{ digest: string; size: number }> {
    this.filesPut.push(path);
    const bytes = readFileSync(path);
    await this.backend.create(objectKey(digestOf(bytes)), { digest: digestOf(bytes), size: bytes.length, from: bytes });
    return { digest: digestOf(bytes), size: bytes.length };
  }

  async putPack(source: Source, members: readonly PackMember[]): Promise<void> {
    this.packsPut.push({ source, members: [...members] });
    await this.backend.create(packKey(source.digest), source);
    this.index.add(source.digest, members);
  }

  async bytesOf(digest: string, index = this.index): Promise<Buffer> {
    const found = await index.find(digest, { sure: true });
    const stream = found === null ? await this.backend.read(objectKey(digest)) : await this.backend.read(packKey(found.pack), found);
    return stream === null ? Buffer.from('nowhere') : await buffer(stream);
  }
}

async function pack(shelf: Shelf, paths: string[], options?: FolderOptions): Promise<StoredFile[]> {
  const stored: StoredFile[] = [];
  for await (const file of packFiles(shelf, paths, options)) stored.push(file);
  return stored;
}

/** `count` files of so many random bytes each. */
function someFiles(count: number, bytes: (i: number) => number): string[] {
  const dir = temporaryFolder();
  return Array.from({ length: count }, (_, i) => {
    const path = join(dir, `file-${i}`);
    writeFileSync(path, randomBytes(bytes(i)));
    return path;
  });
}

test('small files lie in one pack and large ones on their own, told in the order they were named', async () => {
  const shelf = new Shelf();
  const paths = someFiles(40, (i) => (i % 10 === 3 ? 300_000 : 100 * i));
  const stored = await pack(shelf, paths);
  expect(stored).toEqual(paths.map((path) => ({ path, digest: digestOf(readFileSync(path)), size: readFileSync(path).length })));
  expect(filesBelow(join(shelf.root, 'packs'))).toHaveLength(1);
  expect(shelf.filesPut).toHaveLength(4);
  for (const { path, digest } of stored)
    expect(digestOf(await shelf.bytesOf(digest, shelf.freshIndex()))).toBe(digestOf(readFileSync(path)));
  expect(filesBelow(shelf.spool)).toEqual([]);
});

test('a pack is named by the digest of its bytes, and the same files give the same pack', async () => {
  const paths = someFiles(20, (i) => 1000 + i);
  const [one, other] = [new Shelf(), new Shelf()];
  await pack(one, paths);
  await pack(other, paths);
  const [name] = filesBelow(join(one.root, 'packs'));
  expect(digestOf(readFileSync(join(one.root, 'packs', name ?? '')))).toBe(`sha256:${name}`);
  expect(filesBelow(join(other.root, 'packs'))).toEqual([name]);
});

test('what the store has, and what comes twice, is packed once', async () => {
  const shelf = new Shelf();
  const first = someFiles(20, () => 5000);
  await pack(shelf, first);
  const second = someFiles(30, () => 5000);
  const copies = [...first, ...second, ...second, ...first];
  expect((await pack(shelf, copies)).map(({ path }) => path)).toEqual(copies);
  expect(shelf.packsPut.map(({ members }) => members.length)).toEqual([20, 30]);
  await pack(shelf, copies);
  expect(shelf.packsPut).toHaveLength(2);
});

test('a few new files become objects of their own, for a pack costs every reader a look into it', async () => {
  const shelf = new Shelf();
  const stored = await pack(
    shelf,
    someFiles(7, () => 100),
  );
  expect(filesBelow(join(shelf.root, 'packs'))).toEqual([]);
  for (const { digest, path } of stored) expect(await shelf.bytesOf(digest)).toEqual(readFileSync(path));
});

test('a pack keeps below 32 MiB, and many packs are one store to a reader', async () => {
  const shelf = new Shelf();
  const paths = someFiles(150, () => 50);
  for (const path of paths) truncateSync(path, 230_000);
  let told = { files: 0, bytes: 0 };
  const stored = await pack(shelf, paths, { onProgress: (done) => (told = done) });
  expect(told).toEqual({ files: 150, bytes: 34_500_000 });
  expect(shelf.packsPut).toHaveLength(2);
  for (const { source } of shelf.packsPut) expect(source.size).toBeLessThanOrEqual(32 * 1024 * 1024);
  const reader = shelf.freshIndex();
  shelf.listed = 0;
  for (const { digest, path } of stored.filter((_, i) => i % 7 === 0))
    expect(digestOf(await shelf.bytesOf(digest, reader))).toBe(digestOf(readFileSync(path)));
  expect(shelf.listed).toBe(1);
});

test('a file that cannot be read, or is none any more, is named, and nothing is left half-done', async () => {
  const shelf = new Shelf();
  const paths = someFiles(12, () => 100);
  const missing = join(temporaryFolder(), 'missing');
  await expect(pack(shelf, [...paths, missing])).rejects.toMatchObject({ code: 'ENOENT', path: missing });
  await expect(pack(shelf, [...paths, shelf.root])).rejects.toMatchObject({ code: 'ECHANGED', path: shelf.root });
  expect(filesBelow(shelf.spool)).toEqual([]);
});

test('a spool that is gone is an error of the store, not of the file that is read', async () => {
  const shelf = new Shelf();
  rmSync(shelf.spool, { recursive: true });
  await expect(
    pack(
      shelf,
      someFiles(12, () => 100),
    ),
  ).rejects.toMatchObject({
    type: 'StoreUnavailable',
    message: expect.stringContaining(`${shelf.spool} is gone`),
  });
});

test('a file that is written to while it is read is refused as changed', async () => {
  const [path = ''] = someFiles(1, () => 200_000);
  const writer = spawn(process.execPath, [
    '-e',
    `const fs = require('node:fs'); for (;;) { fs.appendFileSync(process.argv[1], 'more'); fs.truncateSync(process.argv[1], 200000); }`,
    path,
  ]);
  try {
    const shelf = new Shelf();
    const untilRefused = async (): Promise<void> => {
      for (;;) await pack(shelf, [path]);
    };
    await expect(untilRefused()).rejects.toMatchObject({ code: 'ECHANGED', path });
  } finally {
    await stopped(writer);
  }
});

test('an aborted call ends, and leaves nothing in the spool', async () => {
  const shelf = new Shelf();
  const abort = new AbortController();
  const many = function* (): Iterable<string> {
    for (const path of someFiles(100, () => 1000)) yield path;
    abort.abort(new Error('enough'));
    yield* someFiles(1, () => 1000);
  };
  await expect(pack(shelf, [...many()], { signal: abort.signal })).rejects.toThrow('enough');
  expect(filesBelow(shelf.spool)).toEqual([]);
});

test('a pack that another process wrote is found: at once by who must know, within a second by who asks in passing', async () => {
  const shelf = new Shelf();
  const reader = shelf.freshIndex();
  const paths = someFiles(10, () => 100);
  const digest = digestOf(readFileSync(paths[4] ?? ''));
  expect(await reader.find(digest)).toBeNull();
  await pack(shelf, paths);
  shelf.listed = 0;
  for (let i = 0; i < 100; i++) await reader.find(digestOf(randomBytes(8)));
  expect(shelf.listed).toBe(0);
  expect(await reader.find(digest, { sure: true })).toMatchObject({ pack: shelf.packsPut[0]?.source.digest });
  expect(shelf.listed).toBe(1);
});

test('a pack whose end is damaged is named when something may lie in it, and the others go on', async () => {
  const shelf = new Shelf();
  const [sound, cut, flipped] = [someFiles(10, () => 100), someFiles(10, () => 100), someFiles(10, () => 100)];
  for (const paths of [sound, cut, flipped]) await pack(shelf, paths);
  const file = (i: number): string => join(shelf.root, 'packs', shelf.packsPut[i]?.source.digest.slice(7) ?? '');
  truncateSync(file(1), 1200);
  const bytes = readFileSync(file(2));
  bytes.writeUInt8(bytes.readUInt8(1010) ^ 1, 1010);
  rmSync(file(2));
  writeFileSync(file(2), bytes);
  const reader = shelf.freshIndex();
  for (const path of sound) expect(await shelf.bytesOf(digestOf(readFileSync(path)), reader)).toEqual(readFileSync(path));
  const lost = digestOf(readFileSync(cut[0] ?? ''));
  expect(await reader.find(lost)).toBeNull();
  await expect(reader.find(lost, { sure: true })).rejects.toMatchObject({
    type: 'ObjectCorrupt',
    message: expect.stringMatching(/^The pack sha256:[0-9a-f]{64} is damaged: .*may lie in it/),
  });
  await expect(reader.members(shelf.packsPut[2]?.source.digest ?? '')).rejects.toThrow(
    /its index has the digest sha256:.*, expected sha256:/,
  );
  const seen: string[] = [];
  const all = async (): Promise<void> => {
    for await (const { digest } of reader.all()) seen.push(digest);
  };
  await expect(all()).rejects.toMatchObject({ type: 'ObjectCorrupt' });
  expect(seen.sort()).toEqual(sound.map((path) => digestOf(readFileSync(path))).sort());
});

test('what is dropped is found no more, in another pack that has it too, and again once that pack is back', async () => {
  const [one, two] = [new Shelf(), new Shelf()];
  const common = someFiles(10, () => 100);
  await pack(one, common);
  await pack(two, [...someFiles(10, () => 100), ...common]);
  const index = new PackIndex({ async *list() {}, read: async () => Buffer.alloc(0) });
  const [first, second] = [one.packsPut[0], two.packsPut[0]];
  if (first === undefined || second === undefined) throw new Error('two packs were expected');
  const digest = first.members[0]?.digest ?? '';
  index.add(first.source.digest, first.members);
  index.add(second.source.digest, second.members);
  expect((await index.find(digest))?.pack).toBe(first.source.digest);
  index.drop(first.source.digest);
  expect((await index.find(digest))?.pack).toBe(second.source.digest);
  index.drop(second.source.digest);
  expect(await index.find(digest)).toBeNull();
  index.add(first.source.digest, first.members);
  expect((await index.find(digest))?.pack).toBe(first.source.digest);
});

test('the indexes take less than 64 bytes a member, so that a million of them stay below 64 MB, and each is found', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().arrayBuffers;
  const index = new PackIndex({ async *list() {}, read: async () => Buffer.alloc(0) });
  // Spread over the whole range as digests are; multiplication by an odd number repeats nothing.
  const name = (number: number): string => `sha256:${(Math.imul(number, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0').repeat(8)}`;
  for (let pack = 0; pack < 8; pack++)
    index.add(
      name(2_000_000 + pack),
      Array.from({ length: 31_250 }, (_, i) => ({ digest: name(pack * 31_250 + i), start: i * 1000, end: i * 1000 + 1000 })),
    );
  for (let i = 0; i < 250_000; i += 997)
    expect(await index.find(name(i))).toMatchObject({ pack: name(2_000_000 + Math.floor(i / 31_250)), start: (i % 31_250) * 1000 });
  expect(await index.find(name(250_000))).toBeNull();
  collect();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 250_000);
});

async function stopped(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await ended(child);
}

test('a member of two packs that gc has written into a third one is read from there, and what is gone is listed no more', async () => {
  const root = join(temporaryFolder(), 'store');
  const store = openStore(pathToFileURL(root).href);
  const backend = new FileBackend(pathToFileURL(root).href);
  const pack = async (...contents: string[]): Promise<string> => {
    const writer = new PackWriter(temporaryFolder());
    for (const content of contents) {
      const bytes = Buffer.from(content);
      await writer.append(bytes, [{ path: '', digest: digestOf(bytes), size: bytes.length }]);
    }
    const source = await writer.finish();
    await backend.create(packKey(source.digest), { ...source, movable: false });
    return packKey(source.digest);
  };
  const old = [await pack('shared', 'first'), await pack('shared', 'second')];
  const ref = { digest: digestOf(Buffer.from('shared')) };
  expect((await store.get(ref)).toString()).toBe('shared');
  await pack('shared');
  for (const key of old) await backend.remove(key);
  expect((await store.get(ref)).toString()).toBe('shared');
  const listed: string[] = [];
  for await (const { digest } of store.list()) listed.push(digest);
  expect(listed).toEqual([ref.digest]);
});
