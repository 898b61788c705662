// The second snapshot of a tree reads what changed, and never believes a stamp that may be stale.
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStore } from '../../src/store';
import { refNames } from '../../src/contract';
import { createSnapshot, openSource, removeSnapshot, snapshotData } from '../../src/data';
import { storeTree, type StoredTree } from '../../src/data/storeTree';
import { removeTemporaryFolders } from '../store/helpers';
import { type Room, room } from './helpers';

afterAll(removeTemporaryFolders);

/** Long before anything is indexed here: only a new change makes a file young. */
const age = async (at: Room): Promise<void> => {
  const old = Date.now() - 60_000;
  for (const path of readdirSync(join(at.root, 'set'), { recursive: true }) as string[])
    utimesSync(join(at.root, 'set', path), old / 1000, old / 1000);
};

const tree = (at: Room, files = 20): Promise<void> => {
  for (let i = 0; i < files; i++) at.write(`set/${i % 2 ? 'dog' : 'cat'}/${i}.png`, `pixels ${i}`);
  return age(at);
};

/** Storing sees files as `seconds` older than they are: their last touch is then no longer recent. */
const store = async (at: Room, seconds = 0): Promise<StoredTree> => {
  const found = await openSource({ source: 'set', root: at.root }, { folder: at.root, store: at.store, anyFormat: true });
  for (const file of found.files) file.touched -= seconds * 1000;
  const lend = found.lend;
  found.lend = async (file) => {
    const lent = await lend(file);
    const settle = async () => {
      const now = await lent.settle();
      if (now !== null) now.touched -= seconds * 1000;
      return now;
    };
    return { ...lent, settle };
  };
  return await storeTree(found, at.store, { index: join(at.root, 'index') });
};

const take = async (at: Room, more = {}) =>
  await snapshotData({
    source: 'set',
    root: at.root,
    store: at.store,
    workDir: join(at.root, 'work'),
    indexDir: join(at.root, 'index'),
    ...more,
  });

const record = async (at: Room, { manifest }: StoredTree): Promise<void> => {
  await at.store.refs.set(refNames.snapshot(manifest.digest), { manifest }, null);
};

test('an unchanged tree is not read, a changed one only where it changed', async () => {
  const at = room();
  await tree(at);
  const first = await store(at, 10);
  expect(first).toMatchObject({ files: 20, read: 20 });
  await record(at, first);
  expect(await store(at, 10)).toEqual({ ...first, read: 0 });
  at.write('set/cat/0.png', 'other pixels');
  at.write('set/cat/new.png', 'new pixels');
  rmSync(join(at.root, 'set/dog/1.png'));
  const second = await store(at, 10);
  expect(second).toMatchObject({ files: 20, read: 2 });
  await record(at, second);
  expect(await store(at, 10)).toEqual({ ...second, read: 0 });
  rmSync(join(at.root, 'index'), { recursive: true });
  expect((await store(at, 10)).manifest).toEqual(second.manifest);
});

test('a change that leaves size and time of modification as they were is found by the time of the change', async () => {
  const at = room();
  await tree(at, 4);
  await record(at, await store(at, 10));
  at.write('set/cat/0.png', 'PIXELS 0');
  await age(at);
  const found = await store(at, 10);
  // `age` touched all of them; what matters is that the changed one is among those read.
  expect(found.read).toBe(4);
  const fresh = room();
  await tree(fresh, 4);
  expect(found.manifest).not.toEqual((await store(fresh)).manifest);
});

test('a file that was touched just before it was indexed is read again', async () => {
  const at = room();
  await tree(at, 4);
  const first = await store(at);
  await record(at, first);
  // All were touched within two seconds of the first look, so that none of the stamps proves anything.
  expect(await store(at, 10)).toEqual({ ...first, read: 4 });
  expect(await store(at, 10)).toEqual({ ...first, read: 0 });
});

test('what the store has lost is read again where no record says that it is kept', async () => {
  const at = room();
  await tree(at);
  const first = await store(at, 10);
  rmSync(join(at.root, 'store/objects'), { recursive: true, force: true });
  rmSync(join(at.root, 'store/packs'), { recursive: true, force: true });
  const other = { ...at, store: openStore(at.store.url) };
  const second = await store(other, 10);
  expect(second).toEqual({ ...first, read: 20 });
  await other.store.fetchFolder(second.manifest, join(at.root, 'copy'));
});

test('what the store has lost since is stored again, though the index knows every file', async () => {
  const at = room();
  at.write('data.csv', `id,label,x\n${Array.from({ length: 100 }, (_, i) => `r${i},${i % 2},${i}`).join('\n')}\n`);
  const options = { spec: at.spec(), store: at.store, workDir: join(at.root, 'work'), indexDir: join(at.root, 'index') };
  const first = await createSnapshot(options);
  rmSync(join(at.root, 'store/objects'), { recursive: true, force: true });
  rmSync(join(at.root, 'store/packs'), { recursive: true, force: true });
  const store = openStore(at.store.url);
  expect((await createSnapshot({ ...options, store })).ref).toEqual(first.ref);
  await store.fetchFolder(first.snapshot.data, join(at.root, 'copy'));
});

test('a damaged index is as none', async () => {
  const at = room();
  await tree(at);
  const first = await store(at, 10);
  await record(at, first);
  const [name = ''] = readdirSync(join(at.root, 'index'));
  const path = join(at.root, 'index', name);
  const text = readFileSync(path, 'latin1');
  for (const damaged of ['', text.slice(0, -20), text.replace(/pixels|cat/, 'cow'), text.slice(1)]) {
    writeFileSync(path, damaged, 'latin1');
    expect(await store(at, 10)).toEqual({ ...first, read: 20 });
  }
});

test('an index belongs to one source and one store', async () => {
  const at = room();
  await tree(at);
  await record(at, await store(at, 10));
  expect(await store({ ...at, store: openStore(`file://${at.root}/other`) }, 10)).toMatchObject({ read: 20 });
  expect(readdirSync(join(at.root, 'index'))).toHaveLength(2);
});

test('the same data have one record, whoever takes the snapshot, and it comes back after it was removed', async () => {
  const at = room();
  await tree(at);
  const first = await take(at, { name: 'first' });
  expect(first).toMatchObject({ created: true, record: { files: 20, format: 'folder', origin: { kind: 'local' }, profile: null } });
  const second = await take(at, { name: 'second' });
  expect(second).toEqual({ ...first, created: false });
  expect(await removeSnapshot(at.store, 'first')).toBe('first');
  expect(await take(at)).toMatchObject({ created: false });
  expect(await removeSnapshot(at.store, first.digest)).toBe(first.digest);
  expect(await take(at)).toMatchObject({ created: true, digest: first.digest });
});
