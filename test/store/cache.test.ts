import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mediaTypes, type Ref } from '../../src/contract';
import type { Store } from '../../src/store';
import { type CachedFile, ObjectCache } from '../../src/store/cache';
import { ended, filesBelow, freshStore, removeTemporaryFolders, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);

/** The real store, and how often it was asked. */
function counted(store: Store): { store: Pick<Store, 'fetchTo' | 'fetchFolder'>; asked: { objects: number; folders: number } } {
  const asked = { objects: 0, folders: 0 };
  return {
    asked,
    store: {
      fetchTo: async (ref, path) => {
        asked.objects += 1;
        await store.fetchTo(ref, path);
      },
      fetchFolder: async (ref, dir, options) => {
        asked.folders += 1;
        await store.fetchFolder(ref, dir, options);
      },
    },
  };
}

const permissions = (path: string): number => statSync(path).mode & 0o777;
const cachedPath = (dir: string, { digest }: Pick<Ref, 'digest'>): string => join(dir, 'objects', digest.slice(7, 9), digest.slice(9));
const someObject = async (store: Store, bytes: number): Promise<Ref> => await store.put(randomBytes(bytes), mediaTypes.bytes);

/** Stored together, which is quicker. */
async function someObjects(store: Store, count: number, bytes: number): Promise<CachedFile[]> {
  const dir = temporaryFolder();
  const paths = Array.from({ length: count }, (_, i) => join(dir, String(i)));
  for (const path of paths) writeFileSync(path, randomBytes(bytes));
  const stored: CachedFile[] = [];
  for await (const { digest, size } of store.putFiles(paths)) stored.push({ digest, size });
  return stored;
}

test('a file is fetched once, and every folder shares the cached one, read-only', async () => {
  const real = freshStore().store;
  const { store, asked } = counted(real);
  const ref = await someObject(real, 10_000);
  const [dir, runs] = [temporaryFolder(), temporaryFolder()];
  const cache = new ObjectCache(dir, { maxBytes: 1e6 });
  const ways = [await cache.place(store, ref, join(runs, 'a', 'file')), await cache.place(store, ref, join(runs, 'b', 'file'))];
  expect(asked).toEqual({ objects: 1, folders: 0 });
  for (const run of ['a', 'b']) {
    expect(readFileSync(join(runs, run, 'file')).equals(await real.get(ref))).toBe(true);
    expect(permissions(join(runs, run, 'file'))).toBe(0o444);
  }
  // What the file system can do better than a link, a reflink, has an inode of its own.
  const inodes = new Set([cachedPath(dir, ref), join(runs, 'a', 'file'), join(runs, 'b', 'file')].map((path) => statSync(path).ino));
  expect(ways).toEqual(inodes.size === 1 ? ['linked', 'linked'] : ['cloned', 'cloned']);
});

test('a file that may be executed has an inode of its own, so that the same bytes elsewhere may not', async () => {
  const { store } = freshStore();
  const ref = await someObject(store, 100);
  const runs = temporaryFolder();
  const cache = new ObjectCache(temporaryFolder(), { maxBytes: 1e6 });
  await cache.place(store, ref, join(runs, 'plain'));
  await cache.place(store, { ...ref, mode: '755' } as CachedFile, join(runs, 'program'));
  expect([permissions(join(runs, 'plain')), permissions(join(runs, 'program'))]).toEqual([0o444, 0o555]);
  expect(readFileSync(join(runs, 'program')).equals(readFileSync(join(runs, 'plain')))).toBe(true);
});

test('a cached file that somebody wrote to, cut or opened to writers is fetched again', async () => {
  const real = freshStore().store;
  const { store, asked } = counted(real);
  const ref = await someObject(real, 1000);
  const [dir, runs] = [temporaryFolder(), temporaryFolder()];
  const cache = new ObjectCache(dir, { maxBytes: 1e6 });
  const path = cachedPath(dir, ref);
  const harms = [
    (): void => writeFileSync(path, randomBytes(1000)),
    (): void => writeFileSync(path, 'short'),
    (): void => chmodSync(path, 0o666),
    (): void => rmSync(path),
  ];
  await cache.place(store, ref, join(runs, 'before'));
  for (const [i, harm] of harms.entries()) {
    chmodSync(path, 0o644);
    if (i !== 2) chmodSync(path, 0o444);
    harm();
    await cache.place(store, ref, join(runs, `after-${i}`));
    expect(readFileSync(join(runs, `after-${i}`)).equals(await real.get(ref))).toBe(true);
    expect(permissions(join(runs, `after-${i}`))).toBe(0o444);
  }
  expect(asked.objects).toBe(1 + harms.length);
});

test('a target that is there is replaced', async () => {
  const { store } = freshStore();
  const ref = await someObject(store, 1000);
  const target = join(temporaryFolder(), 'file');
  writeFileSync(target, 'old');
  const cache = new ObjectCache(temporaryFolder(), { maxBytes: 1e6 });
  for (let i = 0; i < 2; i++) {
    await cache.place(store, ref, target);
    expect(readFileSync(target).equals(await store.get(ref))).toBe(true);
  }
});

test('the bound holds: the least recently used go first, and those that a folder shares go last', async () => {
  const { store } = freshStore();
  const [dir, runs] = [temporaryFolder(), temporaryFolder()];
  const cache = new ObjectCache(dir, { maxBytes: 1000 });
  const refs = await someObjects(store, 9, 100);
  for (const [i, ref] of refs.entries()) {
    await cache.place(store, ref, join(runs, String(i)));
    // Only the third stays in its folder; the others are as old as they are late: 8 was used longest ago.
    if (i !== 2) rmSync(join(runs, String(i)));
    utimesSync(cachedPath(dir, ref), 1e9 - i, statSync(cachedPath(dir, ref)).mtimeMs / 1000);
  }
  expect(await cache.usage()).toMatchObject({ files: 9, bytes: 900 });
  await cache.place(store, refs[8] as CachedFile, join(runs, 'again'));
  rmSync(join(runs, 'again'));
  expect(await cache.prune(500)).toEqual({ files: 5, bytes: 500 });
  const kept = (): number[] => refs.flatMap((ref, i) => (existsSync(cachedPath(dir, ref)) ? [i] : []));
  expect(kept()).toEqual([0, 1, 2, 8]);
  const linked = (await cache.usage()).linkedBytes > 0;
  await cache.prune(120);
  // Where the file system clones, a folder's file is its own and the third is like the others.
  expect(kept()).toEqual(linked ? [2] : [8]);
});

test('whatever is placed, the cache stays below its bound, and every target is whole', async () => {
  const { store } = freshStore();
  const runs = temporaryFolder();
  const cache = new ObjectCache(temporaryFolder(), { maxBytes: 50_000 });
  for (const [i, ref] of (await someObjects(store, 30, 6000)).entries()) {
    await cache.place(store, ref, join(runs, String(i)));
    expect(statSync(join(runs, String(i))).size).toBe(6000);
    expect((await cache.usage()).bytes).toBeLessThanOrEqual(50_000);
  }
});

test('an object larger than the whole cache is placed and not kept', async () => {
  const { store } = freshStore();
  const ref = await someObject(store, 2000);
  const target = join(temporaryFolder(), 'file');
  const cache = new ObjectCache(temporaryFolder(), { maxBytes: 1000 });
  expect(await cache.place(store, ref, target)).toBe('copied');
  expect(readFileSync(target).equals(await store.get(ref))).toBe(true);
  expect(permissions(target)).toBe(0o444);
  expect(await cache.usage()).toMatchObject({ files: 0, bytes: 0 });
});

test('a folder on another disk gets a read-only copy', async () => {
  const { store } = freshStore();
  const ref = await someObject(store, 1000);
  const elsewhere = mkdtempSync('/dev/shm/assay-test-');
  try {
    const cache = new ObjectCache(temporaryFolder(), { maxBytes: 1e6 });
    const same = statSync(elsewhere).dev === statSync(temporaryFolder()).dev;
    const way = await cache.place(store, ref, join(elsewhere, 'file'));
    expect(same || way === 'copied').toBe(true);
    expect(readFileSync(join(elsewhere, 'file')).equals(await store.get(ref))).toBe(true);
    expect(permissions(join(elsewhere, 'file'))).toBe(0o444);
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
});

test('many who want one object at once fetch it once', async () => {
  const real = freshStore().store;
  const { store, asked } = counted(real);
  const ref = await someObject(real, 100_000);
  const runs = temporaryFolder();
  const cache = new ObjectCache(temporaryFolder(), { maxBytes: 1e6 });
  await Promise.all(Array.from({ length: 20 }, async (_, i) => await cache.place(store, ref, join(runs, String(i)))));
  expect(asked.objects).toBe(1);
});

test('an object that the store lost is an error of the store, and leaves nothing behind', async () => {
  const { store } = freshStore();
  const [dir, runs] = [temporaryFolder(), temporaryFolder()];
  const cache = new ObjectCache(dir, { maxBytes: 1e6 });
  const lost = { digest: `sha256:${'0'.repeat(64)}`, size: 5 };
  await expect(cache.place(store, lost, join(runs, 'file'))).rejects.toMatchObject({ type: 'NotFound' });
  expect([...filesBelow(dir), ...filesBelow(runs)]).toEqual([]);
});

test('a folder of which little is missing costs a fetch a file, and one of which much is missing is fetched as a whole', async () => {
  const real = freshStore().store;
  const { store, asked } = counted(real);
  const source = temporaryFolder();
  mkdirSync(join(source, 'deep', 'er'), { recursive: true });
  for (let i = 0; i < 80; i++) writeFileSync(join(source, i % 2 ? 'deep/er' : '', `file-${i}`), randomBytes(50));
  const filesOf = async (ref: Ref): Promise<(CachedFile & { path: string })[]> => (await real.getJson<{ files: [] }>(ref)).files;
  const runs = temporaryFolder();
  const cache = new ObjectCache(temporaryFolder(), { maxBytes: 1e6 });
  const first = await real.putFolder(source);
  await cache.placeFolder(store, first, await filesOf(first), join(runs, 'first'));
  expect(asked).toEqual({ objects: 0, folders: 1 });
  writeFileSync(join(source, 'deep/er', 'file-1'), 'changed');
  const second = await real.putFolder(source);
  await cache.placeFolder(store, second, await filesOf(second), join(runs, 'second'));
  expect(asked).toEqual({ objects: 1, folders: 1 });
  expect(filesBelow(join(runs, 'second'))).toEqual(filesBelow(source));
  for (const path of filesBelow(source))
    expect(readFileSync(join(runs, 'second', path)).equals(readFileSync(join(source, path)))).toBe(true);
});

const someoneElse = (...args: string[]): ReturnType<typeof spawn> =>
  spawn(process.execPath, [join(__dirname, 'cacheChild.js'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

test('two processes that fill and empty one cache at once both get every file whole', async () => {
  const { store } = freshStore();
  const digests = (await someObjects(store, 30, 1000)).map(({ digest }) => digest);
  const [dir, runs] = [temporaryFolder(), temporaryFolder()];
  // Room for a quarter, so that each removes what the other has just fetched.
  const children = ['a', 'b'].map((run) => someoneElse(store.url, dir, '7500', join(runs, run), ...digests));
  expect(await Promise.all(children.map(ended))).toEqual([0, 0]);
  for (const run of ['a', 'b'])
    for (const digest of digests) expect(readFileSync(join(runs, run, digest)).equals(await store.get({ digest }))).toBe(true);
  expect((await new ObjectCache(dir, { maxBytes: 7500 }).usage()).bytes).toBeLessThanOrEqual(7500);
});

test('a process killed while it fills the cache leaves nothing half there, and the next one removes what it left', async () => {
  const { store } = freshStore();
  const digests = (await someObjects(store, 30, 200_000)).map(({ digest }) => digest);
  const [dir, runs] = [temporaryFolder(), temporaryFolder()];
  const killed = someoneElse(store.url, dir, '1e9', join(runs, 'killed'), ...digests);
  killed.stdout?.once('data', () => killed.kill('SIGKILL'));
  await ended(killed);
  const cache = new ObjectCache(dir, { maxBytes: 1e9 });
  for (const digest of digests) {
    await cache.place(store, { digest, size: 200_000 }, join(runs, 'next', digest));
    expect(readFileSync(join(runs, 'next', digest)).equals(await store.get({ digest }))).toBe(true);
  }
  expect(filesBelow(join(dir, 'tmp'))).toEqual([]);
});

test('a file that comes into a cache full of shared ones is fetched once, and so is each of a folder larger than the cache', async () => {
  const real = freshStore().store;
  const { store, asked } = counted(real);
  const runs = temporaryFolder();
  const cache = new ObjectCache(temporaryFolder(), { maxBytes: 1000 });
  const refs = await someObjects(real, 30, 100);
  for (const [i, ref] of refs.entries()) await cache.place(store, ref, join(runs, String(i)));
  expect(asked.objects).toBe(30);
  const source = temporaryFolder();
  for (let i = 0; i < 40; i++) writeFileSync(join(source, `file-${i}`), randomBytes(100));
  writeFileSync(join(source, 'large'), randomBytes(2000));
  const folder = await real.putFolder(source);
  const { files } = await real.getJson<{ files: (CachedFile & { path: string })[] }>(folder);
  await cache.placeFolder(store, folder, files, join(runs, 'folder'));
  // The large one, which is not kept, alone.
  expect(asked).toEqual({ objects: 31, folders: 1 });
  for (const path of filesBelow(source))
    expect(readFileSync(join(runs, 'folder', path)).equals(readFileSync(join(source, path)))).toBe(true);
  expect((await cache.usage()).bytes).toBeLessThanOrEqual(1000);
});
