import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mediaTypes, type Ref, type Snapshot } from '../../src/contract';
import { materialise } from '../../src/data';
import { ObjectCache, type Store } from '../../src/store';
import { ended, filesBelow, freshStore, removeTemporaryFolders, temporaryFolder } from '../store/helpers';

afterAll(removeTemporaryFolders);

/** A snapshot of the folder as it is now, with three splits of a row each. */
async function snapshotOf(store: Store, folder: string): Promise<Ref> {
  const split = async (name: string): Promise<{ rows: number; ref: Ref }> => ({
    rows: 1,
    ref: await store.put(`{"id":"${name}","label":"a","row":0}\n`, mediaTypes.jsonLines),
  });
  const profile = await store.putJson({ rows: 1, classes: {}, columns: [] });
  const snapshot: Snapshot = {
    schema: 'assay.snapshot/2',
    source: folder,
    origin: { kind: 'local' },
    kind: 'folder',
    data: await store.putFolder(folder),
    file: null,
    format: 'folder',
    rows: 3,
    label: 'label',
    id: null,
    unit: null,
    classes: ['a'],
    splits: { train: await split('1'), validation: await split('2'), test: await split('3') },
    profiles: { train: profile, validation: profile, test: profile },
    overlap: { pairs: [] },
    leaks: { nearDuplicates: null, unitsAcross: [], revealing: [] },
    units: { train: 1, validation: 1, test: 1 },
    shares: null,
  };
  return await store.putJson(snapshot);
}

/** `count` files, of which one may be executed, partly in folders. */
function someFolder(count: number): string {
  const folder = temporaryFolder();
  for (let i = 0; i < count; i++) {
    const path = join(folder, i % 2 === 0 ? `class-${i % 3}/deep/file-${i}` : `file-${i}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, randomBytes(100 + i));
  }
  chmodSync(join(folder, 'file-1'), 0o755);
  return folder;
}

/** A real store, and how often it was asked. */
function countingStore(): { store: Store; asked: { objects: number; folders: number } } {
  const { store } = freshStore();
  const asked = { objects: 0, folders: 0 };
  const [fetchTo, fetchFolder] = [store.fetchTo.bind(store), store.fetchFolder.bind(store)];
  store.fetchTo = async (ref, path) => {
    asked.objects += 1;
    await fetchTo(ref, path);
  };
  store.fetchFolder = async (ref, dir, options) => {
    asked.folders += 1;
    await fetchFolder(ref, dir, options);
  };
  return { store, asked };
}

function expectSame(dir: string, folder: string): void {
  expect(filesBelow(dir)).toEqual(filesBelow(folder));
  for (const path of filesBelow(folder)) expect(readFileSync(join(dir, path)).equals(readFileSync(join(folder, path)))).toBe(true);
}

test('a second snapshot with one changed file fetches that file, and shares the others with the first', async () => {
  const { store, asked } = countingStore();
  const folder = someFolder(100);
  const [dir, cache] = [temporaryFolder(), new ObjectCache(temporaryFolder(), { maxBytes: 1e8 })];
  const first = await materialise({ snapshotRef: await snapshotOf(store, folder), store, dir, cache });
  expectSame(first.dir, folder);
  Object.assign(asked, { objects: 0, folders: 0 });
  writeFileSync(join(folder, 'file-7'), 'changed');
  const second = await materialise({ snapshotRef: await snapshotOf(store, folder), store, dir, cache });
  expect(asked).toEqual({ objects: 1, folders: 0 });
  expectSame(second.dir, folder);
  expect(readFileSync(second.splits.test, 'utf8')).toBe('{"id":"3","label":"a","row":0}\n');
  // A file system that clones shares the bytes, not the inode.
  const links = ['file-9', 'file-7'].map((path) => statSync(join(second.dir, path)).ino === statSync(join(first.dir, path)).ino);
  expect(links).toEqual([statSync(join(first.dir, 'file-9')).nlink > 1, false]);
});

test('many small files are not fetched one by one', async () => {
  const { store, asked } = countingStore();
  const folder = someFolder(300);
  const cache = new ObjectCache(temporaryFolder(), { maxBytes: 1e8 });
  const { dir } = await materialise({ snapshotRef: await snapshotOf(store, folder), store, dir: temporaryFolder(), cache });
  expectSame(dir, folder);
  expect(asked.folders).toBe(1);
  // The splits.
  expect(asked.objects).toBe(3);
});

test.each(['with', 'without'])('%s a cache every user may read and nobody may write, whatever the umask', async (how) => {
  const { store } = freshStore();
  const folder = someFolder(10);
  const cache = how === 'with' ? new ObjectCache(temporaryFolder(), { maxBytes: 1e8 }) : undefined;
  const umask = process.umask(0o077);
  try {
    const { dir, splits } = await materialise({ snapshotRef: await snapshotOf(store, folder), store, dir: temporaryFolder(), cache });
    for (const path of readdirSync(dirname(dir), { recursive: true, encoding: 'utf8' })) {
      if (path === 'files.json') continue;
      const found = statSync(join(dirname(dir), path));
      const expected = found.isDirectory() || path === 'data/file-1' ? 0o555 : 0o444;
      expect({ path, mode: found.mode & 0o555 }).toEqual({ path, mode: expected });
      if (found.isFile()) expect(found.mode & 0o222).toBe(0);
    }
    expect(statSync(dirname(dir)).mode & 0o555).toBe(0o555);
    expect(Object.values(splits).map((path) => statSync(path).mode & 0o777)).toEqual([0o444, 0o444, 0o444]);
  } finally {
    process.umask(umask);
  }
});

test('a shared file that somebody wrote to is noticed, in the folder it was written through and in the next', async () => {
  const { store } = freshStore();
  const folder = someFolder(20);
  const [dir, cache] = [temporaryFolder(), new ObjectCache(temporaryFolder(), { maxBytes: 1e8 })];
  const snapshotRef = await snapshotOf(store, folder);
  const { dir: made } = await materialise({ snapshotRef, store, dir, cache });
  const victim = join(made, 'file-3');
  chmodSync(victim, 0o644);
  writeFileSync(victim, randomBytes(103));
  writeFileSync(join(folder, 'new'), 'new');
  const next = await materialise({ snapshotRef: await snapshotOf(store, folder), store, dir, cache });
  expectSame(next.dir, folder);
  const again = await materialise({ snapshotRef, store, dir, cache });
  expect(readFileSync(join(again.dir, 'file-3')).equals(readFileSync(join(folder, 'file-3')))).toBe(true);
});

test('a folder that is whole is not made again', async () => {
  const { store, asked } = countingStore();
  const [dir, cache] = [temporaryFolder(), new ObjectCache(temporaryFolder(), { maxBytes: 1e8 })];
  const snapshotRef = await snapshotOf(store, someFolder(10));
  const first = await materialise({ snapshotRef, store, dir, cache });
  Object.assign(asked, { objects: 0, folders: 0 });
  expect(await materialise({ snapshotRef, store, dir, cache })).toEqual(first);
  expect(asked).toEqual({ objects: 0, folders: 0 });
  expect(readdirSync(dir)).toEqual([snapshotRef.digest.slice(7)]);
});

test('what a killed process left half-made a day ago is removed, and what is being made is not', async () => {
  const { store } = freshStore();
  const dir = temporaryFolder();
  for (const name of ['.left.new', '.living.new']) {
    mkdirSync(join(dir, name));
    writeFileSync(join(dir, name, 'file'), 'half');
  }
  const yesterday = Date.now() / 1000 - 25 * 60 * 60;
  utimesSync(join(dir, '.left.new'), yesterday, yesterday);
  const snapshotRef = await snapshotOf(store, someFolder(2));
  await materialise({ snapshotRef, store, dir });
  expect(readdirSync(dir).sort()).toEqual(['.living.new', snapshotRef.digest.slice(7)]);
});

test('a cache that is smaller than the snapshot keeps its bound, and the folder is whole', async () => {
  const { store } = freshStore();
  const folder = someFolder(150);
  const cache = new ObjectCache(temporaryFolder(), { maxBytes: 5000 });
  const { dir } = await materialise({ snapshotRef: await snapshotOf(store, folder), store, dir: temporaryFolder(), cache });
  expectSame(dir, folder);
  expect((await cache.usage()).bytes).toBeLessThanOrEqual(5000);
});

test('two processes that make one snapshot at once both get it whole', async () => {
  const { store } = freshStore();
  const folder = someFolder(60);
  const { digest } = await snapshotOf(store, folder);
  const [dir, cache] = [temporaryFolder(), temporaryFolder()];
  const children = [1, 2].map(() =>
    spawn(process.execPath, [join(__dirname, 'materialiseChild.js'), store.url, digest, dir, cache], {
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
  );
  expect(await Promise.all(children.map(ended))).toEqual([0, 0]);
  expect(readdirSync(dir)).toEqual([digest.slice(7)]);
  expectSame(join(dir, digest.slice(7), 'data'), folder);
});
