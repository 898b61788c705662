import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RefConflict, type Registers } from '../../src/store';
import { FileBackend } from '../../src/store/file';
import { withLock } from '../../src/store/lock';
import { NamedRefs } from '../../src/store/refs';
import { child, ended, filesBelow, freshStore, removeTemporaryFolders, says, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);

test('a name is created once and then changed only by who knows its version', async () => {
  const { refs } = freshStore().store;
  expect(await refs.get('experiments/a')).toBeNull();
  const first = await refs.set('experiments/a', { n: 1 }, null);
  await expect(refs.set('experiments/a', { n: 2 }, null)).rejects.toThrow(RefConflict);
  const second = await refs.set('experiments/a', { n: 2 }, first);
  await expect(refs.set('experiments/a', { n: 3 }, first)).rejects.toMatchObject({ expected: first, actual: second });
  expect(await refs.get('experiments/a')).toEqual({ value: { n: 2 }, version: second });
});

test('names are listed by prefix, sorted, and without what lies beside them', async () => {
  const { refs } = freshStore().store;
  for (const name of ['runs/b/x', 'runs/a/y', 'runs/ab', 'experiments/e']) await refs.set(name, 1, null);
  expect(await refs.list('runs/a')).toEqual(['runs/a/y', 'runs/ab']);
  expect(await refs.list('runs/')).toEqual(['runs/a/y', 'runs/ab', 'runs/b/x']);
  expect(await refs.list('')).toHaveLength(4);
  expect(await refs.list('nothing/')).toEqual([]);
});

test('a name that leads out of the store is refused', async () => {
  const { refs } = freshStore().store;
  for (const name of ['../x', 'a/../b', '/etc/x', 'a//b', '.hidden', 'a b', ''])
    await expect(refs.set(name, 1, null)).rejects.toMatchObject({ type: 'NotFound' });
});

test('eight processes that count at once lose no count', async () => {
  const { store, root } = freshStore();
  const racers = Array.from({ length: 8 }, () => child('count', store.url, 'counter', '10'));
  expect(await Promise.all(racers.map(ended))).toEqual(Array(8).fill(0));
  expect((await store.refs.get<number>('counter'))?.value).toBe(80);
  expect([...filesBelow(join(root, 'locks')), ...filesBelow(join(root, 'tmp'))]).toEqual([]);
});

test('of many writers with the same version exactly one wins', async () => {
  const { refs } = freshStore().store;
  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => refs.set('one', i, null)));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('former values are kept, newest first, at most 20 and no more than 64 KB of them', async () => {
  const { refs } = freshStore().store;
  for (let n = 1; n <= 25; n++) await refs.update('small', () => ({ n }));
  const history = await refs.history<{ n: number }>('small');
  expect(history.map(({ value, version }) => [value.n, version])).toEqual(Array.from({ length: 20 }, (_, i) => [24 - i, String(24 - i)]));
  expect(Date.parse(history[0]?.at ?? '')).toBeGreaterThan(Date.now() - 60_000);
  for (let n = 1; n <= 5; n++) await refs.update('large', () => ({ n, text: 'x'.repeat(20_000) }));
  expect((await refs.history<{ n: number }>('large')).map(({ value }) => value.n)).toEqual([4, 3, 2]);
  expect(await refs.history('nothing')).toEqual([]);
});

test('a removed name is no name any more, and made anew it does not pass for the former one', async () => {
  const { refs } = freshStore().store;
  const first = await refs.set('a', 1, null);
  await expect(refs.remove('a', '7')).rejects.toThrow(RefConflict);
  await refs.remove('a', first);
  expect([await refs.get('a'), await refs.history('a'), await refs.list('')]).toEqual([null, [], []]);
  await expect(refs.remove('a', first)).rejects.toMatchObject({ expected: '1', actual: null });
  await expect(refs.set('a', 2, first)).rejects.toMatchObject({ expected: '1', actual: null });
  expect(await refs.set('a', 3, null)).not.toBe(first);
  await expect(refs.set('a', 4, first)).rejects.toThrow(RefConflict);
  expect(await refs.history('a')).toEqual([]);
});

test('a name written by an earlier version is read, and has a history from then on', async () => {
  const { store, root } = freshStore();
  mkdirSync(join(root, 'refs/experiments'), { recursive: true });
  writeFileSync(join(root, 'refs/experiments/old.json'), '{"value":{"n":1},"version":4}');
  expect(await store.refs.list('experiments/')).toEqual(['experiments/old']);
  expect(await store.refs.get('experiments/old')).toEqual({ value: { n: 1 }, version: '4' });
  expect(await store.refs.set('experiments/old', { n: 2 }, '4')).toBe('5');
  expect(await store.refs.history('experiments/old')).toEqual([{ value: { n: 1 }, version: '4', at: '' }]);
});

test('a damaged name is ObjectCorrupt, says where, and is listed all the same', async () => {
  const { store, root } = freshStore();
  await store.refs.set('a', { n: 1 }, null);
  for (const damaged of ['{"version":1,', '{"value":1}', 'null']) {
    writeFileSync(join(root, 'refs/a.json'), damaged);
    await expect(store.refs.get('a')).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      message: expect.stringContaining(join(root, 'refs/a.json')),
    });
    expect(await store.refs.list('')).toEqual(['a']);
  }
});

test('the lock of a killed process is taken over, and only one of several late comers has it at a time', async () => {
  const { store, root } = freshStore();
  const path = join(root, 'locks', 'lock');
  mkdirSync(join(root, 'locks'), { recursive: true });
  const holder = child('hold', store.url, path);
  await says(holder, 'held');
  holder.kill('SIGKILL');
  await ended(holder);
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 6 }, () =>
      withLock(path, async () => {
        most = Math.max(most, ++inside);
        await new Promise(setImmediate);
        inside--;
      }),
    ),
  );
  expect(most).toBe(1);
  // What the killed process itself had beside the lock is all that is left.
  expect(filesBelow(join(root, 'locks')).filter((name) => name === 'lock')).toEqual([]);
});

/** The next writes land, their answers are lost, and another writer comes before they are looked for. */
function losingAnswers(backend: FileBackend, losses: number, between: () => Promise<unknown>): Registers {
  let left = losses;
  return {
    load: (key) => backend.load(key),
    list: (prefix) => backend.list(prefix),
    remove: (key) => backend.remove(key),
    swap: async (key, bytes, expected) => {
      const tag = await backend.swap(key, bytes, expected);
      if (left-- <= 0) return tag;
      await between();
      return null;
    },
  };
}

test.each(['short', 'longer than the history: '.repeat(4000)])(
  'a write whose answer was lost, and after which another writer came, is made once and is no conflict (%#)',
  async (text) => {
    const backend = new FileBackend(`file://${join(temporaryFolder(), 'store')}`);
    const others = new NamedRefs(backend);
    const addOne = async (refs: NamedRefs): Promise<{ n: number }> =>
      await refs.update<{ n: number }>('a', (old) => ({ n: (old?.n ?? 0) + 1, text }));
    const refs = new NamedRefs(losingAnswers(backend, 1, () => addOne(others)));
    let applied = 0;
    const value = await refs.update<{ n: number }>('a', (old) => {
      applied++;
      return { n: (old?.n ?? 0) + 1, text };
    });
    expect([value.n, applied, (await others.get<{ n: number }>('a'))?.value.n]).toEqual([1, 1, 2]);
    const setting = new NamedRefs(losingAnswers(backend, 1, () => addOne(others)));
    expect(await setting.set('a', { n: 10, text }, '2')).toBe('3');
    expect((await others.get<{ n: number }>('a'))?.value.n).toBe(11);
    await expect(setting.set('a', { n: 20, text }, '2')).rejects.toThrow(RefConflict);
  },
);

test('a removal whose answer was lost, and after which the name was made anew, is no conflict', async () => {
  const backend = new FileBackend(`file://${join(temporaryFolder(), 'store')}`);
  const others = new NamedRefs(backend);
  for (let n = 0; n < 40; n++) await others.update('a', () => n);
  const refs = new NamedRefs(losingAnswers(backend, 1, () => others.set('a', 'anew', null)));
  await refs.remove('a', '40');
  expect(await others.get('a')).toEqual({ value: 'anew', version: '42' });
  await others.remove('a', '42');
  // A removed name's record stays so short that a list tells it from a live one.
  expect(await others.list('')).toEqual([]);
});

test('a lock that could not be removed, since its folder was away, is taken again by the process that left it', async () => {
  const dir = join(temporaryFolder(), 'locks');
  mkdirSync(dir);
  const path = join(dir, 'lock');
  const moved = `${dir}.away`;
  await withLock(path, () => Promise.resolve(renameSync(dir, moved)));
  renameSync(moved, dir);
  expect(filesBelow(dir)).toEqual(['lock']);
  expect(await withLock(path, () => Promise.resolve('mine'))).toBe('mine');
  const replaced = withLock(path, () => {
    renameSync(dir, moved);
    writeFileSync(dir, 'no folder');
    return Promise.resolve();
  });
  await expect(replaced).rejects.toThrow('ENOTDIR');
  rmSync(dir);
  renameSync(moved, dir);
  expect(await withLock(path, () => Promise.resolve('again'))).toBe('again');
  expect(filesBelow(dir)).toEqual([]);
});
