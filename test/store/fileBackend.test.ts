import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Source } from '../../src/store';
import { FileBackend } from '../../src/store/file';
import { child, ended, filesBelow, removeTemporaryFolders, says, takeAway, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);

function fresh(): { backend: FileBackend; root: string } {
  const root = join(temporaryFolder(), 'store');
  return { backend: new FileBackend(`file://${root}`), root };
}

const sourceOf = (from: Buffer): Source => ({
  digest: `sha256:${createHash('sha256').update(from).digest('hex')}`,
  size: from.length,
  from,
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('of 24 writers of one key one creates it and the others find it', async () => {
  const { backend, root } = fresh();
  const source = sourceOf(randomBytes(100_000));
  const outcomes = await Promise.all(Array.from({ length: 24 }, () => backend.create('objects/ab/cd', source)));
  expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
  expect(outcomes.filter((outcome) => outcome === 'exists')).toHaveLength(23);
  expect(filesBelow(root)).toEqual(['objects/ab/cd']);
});

test('what is there stays as it is, until it is replaced', async () => {
  const { backend, root } = fresh();
  expect(await backend.create('a/b', sourceOf(Buffer.from('one')))).toBe('created');
  expect(await backend.create('a/b', sourceOf(Buffer.from('other')))).toBe('exists');
  expect(readFileSync(join(root, 'a/b'), 'utf8')).toBe('one');
  await backend.replace('a/b', sourceOf(Buffer.from('other')));
  expect(readFileSync(join(root, 'a/b'), 'utf8')).toBe('other');
});

test('bytes of another digest are refused, from memory and from a file, and leave nothing', async () => {
  const { backend, root } = fresh();
  const file = join(root, '..', 'file');
  writeFileSync(file, 'changed');
  const { digest, size } = sourceOf(Buffer.from('promised'));
  for (const from of [Buffer.from('changed'), file])
    for (const write of [() => backend.create('a/b', { digest, size, from }), () => backend.replace('a/b', { digest, size, from })])
      await expect(write()).rejects.toMatchObject({
        type: 'ObjectCorrupt',
        message: expect.stringContaining(`expected 8 bytes with digest ${digest}`),
      });
  expect(filesBelow(root)).toEqual([]);
});

test('a file in its spool is taken without a copy', async () => {
  const { backend, root } = fresh();
  const bytes = Buffer.from('spooled');
  mkdirSync(backend.spool, { recursive: true });
  const path = join(backend.spool, 'ready');
  writeFileSync(path, bytes);
  const { ino } = statSync(path);
  await backend.create('a/b', { ...sourceOf(bytes), from: path, movable: true });
  await backend.replace('a/c', { ...sourceOf(bytes), from: path, movable: true });
  expect([statSync(join(root, 'a/b')).ino, statSync(join(root, 'a/c')).ino]).toEqual([ino, ino]);
});

test('ranges, the end of the file and an empty one are read as they are', async () => {
  const { backend } = fresh();
  const bytes = randomBytes(3_000_000);
  await backend.create('big', sourceOf(bytes));
  await backend.create('empty', sourceOf(Buffer.alloc(0)));
  const read = async (key: string, range?: { start: number; end: number }): Promise<Buffer> =>
    await buffer((await backend.read(key, range))!);
  expect((await read('big')).equals(bytes)).toBe(true);
  for (const [start, end] of [
    [0, 1],
    [5, 5],
    [1_000_000, 2_500_001],
    [2_999_999, 3_000_000],
    [2_999_999, 4_000_000],
    [4_000_000, 5_000_000],
  ] as const)
    expect((await read('big', { start, end })).equals(bytes.subarray(start, end))).toBe(true);
  expect(await read('empty')).toHaveLength(0);
  expect(await backend.read('none')).toBeNull();
  expect(await backend.stat('none')).toBeNull();
  expect(await backend.stat('big')).toMatchObject({ size: 3_000_000 });
});

test('keys are listed in the order of their code units, with folders between files', async () => {
  const { backend } = fresh();
  const keys = ['x/a-b', 'x/a/z', 'x/a.1', 'x/a0', 'x/B', 'xa', 'x/a/b/c'];
  for (const key of keys) await backend.create(key, sourceOf(Buffer.from(key)));
  await backend.swap('refs/r.json', Buffer.from('{}'), null);
  expect((await collect(backend.list('x'))).map(({ key }) => key)).toEqual([...keys].sort());
  expect((await collect(backend.list('x/a/'))).map(({ key }) => key)).toEqual(['x/a/b/c', 'x/a/z']);
  expect((await collect(backend.list('x/a'))).map(({ key, size }) => [key, size])).toEqual(
    keys
      .filter((key) => key.startsWith('x/a'))
      .sort()
      .map((key) => [key, key.length]),
  );
  expect((await collect(backend.list(''))).map(({ key }) => key)).toEqual(['refs/r.json', ...keys].sort());
  expect(await collect(backend.list('nothing/'))).toEqual([]);
});

test('a value is swapped only by who knows its tag', async () => {
  const { backend } = fresh();
  expect(await backend.load('r')).toBeNull();
  const first = await backend.swap('r', Buffer.from('1'), null);
  expect(await backend.swap('r', Buffer.from('2'), null)).toBeNull();
  const second = await backend.swap('r', Buffer.from('3'), first);
  expect(await backend.swap('r', Buffer.from('4'), first)).toBeNull();
  expect(await backend.load('r')).toEqual({ bytes: Buffer.from('3'), tag: second });
  await backend.remove('r');
  await backend.remove('r');
  expect(await backend.load('r')).toBeNull();
  expect(await backend.swap('r', Buffer.from('5'), second)).toBeNull();
});

test('a key that leads out of the folder is refused', async () => {
  const { backend } = fresh();
  for (const key of ['../x', 'a/../../x', '/etc/x', 'a//b', ''])
    await expect(backend.create(key, sourceOf(Buffer.from('x')))).rejects.toThrow('is no key of a store');
});

test('a sweep removes what dead writers left, and what unknown ones left long ago, and nothing else', async () => {
  const { backend, root } = fresh();
  const writer = child('endless', backend.url);
  await says(writer, 'flowing');
  const [theirs] = filesBelow(join(root, 'tmp'));
  await backend.sweep(0);
  expect(filesBelow(join(root, 'tmp'))).toEqual([theirs]);
  const old = join(root, 'tmp', 'of-nobody');
  const recent = join(root, 'tmp', 'of-nobody-yet');
  for (const path of [old, recent]) writeFileSync(path, 'x');
  utimesSync(old, 1, 1);
  writer.kill('SIGKILL');
  await ended(writer);
  expect(await backend.sweep(60_000)).toBe(2);
  expect(filesBelow(join(root, 'tmp'))).toEqual(['of-nobody-yet']);
});

test('a folder that is away is StoreUnavailable for everything, and is no empty store', async () => {
  const { backend, root } = fresh();
  await backend.create('a', sourceOf(Buffer.from('x')));
  const away = takeAway(root);
  for (const act of [
    () => backend.create('b', sourceOf(Buffer.from('y'))),
    () => backend.replace('a', sourceOf(Buffer.from('y'))),
    () => backend.read('a'),
    () => backend.stat('a'),
    () => collect(backend.list('')),
    () => backend.load('a'),
    () => backend.swap('r', Buffer.from('1'), null),
    () => backend.sweep(0),
  ])
    await expect(act()).rejects.toMatchObject({ type: 'StoreUnavailable' });
  away.back();
  expect(await backend.stat('a')).not.toBeNull();
  expect(existsSync(join(root, 'b'))).toBe(false);
});
