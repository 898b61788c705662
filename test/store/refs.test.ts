import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { RefConflict } from '../../src/store';
import { withLock } from '../../src/store/lock';
import { child, ended, filesBelow, freshStore, removeTemporaryFolders, says } from './helpers';

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
