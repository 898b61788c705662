import { readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import type { SplitProfile } from '../../src/contract';
import { materialise, readSplit, splitOf, verifySource, writeNpy } from '../../src/data';
import { filesBelow, removeTemporaryFolders } from '../store/helpers';
import { csv, parquet, type Room, room, rows } from './helpers';

afterAll(removeTemporaryFolders);

const placeOf = async (at: Room, data = {}, more = {}): Promise<Map<string, string>> => {
  const splits = await at.splits(data, more);
  return new Map(Object.entries(splits).flatMap(([split, members]) => members.map(({ id }) => [String(id), split])));
};

test('a unit is placed by the first 8 bytes of SHA-256 of seed and unit', () => {
  const u = Number(createHash('sha256').update('7:r1').digest().readBigUInt64BE()) / 2 ** 64;
  expect(splitOf('r1', { seed: 7, test: u + 1e-9, validation: 0 })).toBe('test');
  expect(splitOf('r1', { seed: 7, test: u - 1e-9, validation: 2e-9 })).toBe('validation');
  expect(splitOf('r1', { seed: 7, test: u / 2, validation: u / 4 })).toBe('train');
});

test('every row of the source stands in exactly one split, near the declared shares', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 2000)));
  const { train, validation, test: tested } = await at.splits();
  expect(train.length + validation.length + tested.length).toBe(2000);
  expect(Math.abs(tested.length - 400)).toBeLessThan(60);
  expect(Math.abs(validation.length - 200)).toBeLessThan(45);
  expect(tested[0]).toEqual({ id: expect.any(String), label: expect.stringMatching(/even|odd/), row: expect.any(Number) });
  const ids = tested.map(({ id }) => String(id));
  expect(ids).toEqual([...ids].sort());
  for (const { id, row } of tested) expect(id).toBe(`r${row}`);
});

test('no row is lost where there are more than any block or buffer on the way holds', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 250_000)));
  const { snapshot } = await at.snapshot();
  expect(snapshot.units.train + snapshot.units.validation + snapshot.units.test).toBe(250_000);
  const { rows: profiled, columns } = await at.store.getJson<SplitProfile>(snapshot.profiles.train);
  expect(profiled).toBe(snapshot.splits.train.rows);
  expect(columns[0]?.count).toBe(profiled);
  expect(columns[0]?.sample).toHaveLength(10_000);
}, 240_000);

test('a row stays in its split when the data grow', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 300)));
  const before = await placeOf(at);
  at.write('data.csv', csv(rows(0, 600)));
  const after = await placeOf(at);
  expect(after.size).toBe(600);
  for (const [id, split] of before) expect(after.get(id)).toBe(split);
});

test('the order of rows and columns changes no split, with ids and without', async () => {
  const at = room();
  const lines = rows(0, 200);
  at.write('data.csv', csv(lines));
  at.write(
    'shuffled.csv',
    `${['kind,x,label,id', ...[...lines].reverse().map((line) => line.split(',').reverse().join(','))].join('\n')}\n`,
  );
  expect(await placeOf(at, { source: 'shuffled.csv' })).toEqual(await placeOf(at));
  const bare = (name: string): string => readFileSync(join(at.root, name), 'utf8');
  at.write('data.csv', bare('data.csv').replace(/^[^,]*,/gm, ''));
  at.write('shuffled.csv', bare('shuffled.csv').replace(/,[^,]*$/gm, ''));
  const noId = { id: undefined };
  expect(await placeOf(at, { ...noId, source: 'shuffled.csv' })).toEqual(await placeOf(at, noId));
});

test('identical rows without ids share a split and have ids of their own', async () => {
  const at = room();
  const lines = rows(0, 60).map((line) => line.replace(/^[^,]*,/, ''));
  at.write('data.csv', `${['label,x,kind', ...lines, ...lines].join('\n')}\n`);
  const place = await placeOf(at, { id: undefined });
  expect(place.size).toBe(120);
  for (const [id, split] of place) if (id.endsWith('-2')) expect(place.get(id.slice(0, -2))).toBe(split);
});

test('the rows of a unit share a split, and the unit stands in the split file', async () => {
  const at = room();
  at.write('data.csv', `id,label,x,user\n${Array.from({ length: 400 }, (_, i) => `${i},${i % 2},${i},u${i % 40}`).join('\n')}\n`);
  const splits = await at.splits({ unit: 'user', split: { by: 'unit' } });
  const owner = new Map<string, Set<string>>();
  for (const [split, members] of Object.entries(splits))
    for (const { unit } of members) owner.set(String(unit), (owner.get(String(unit)) ?? new Set()).add(split));
  expect(owner.size).toBe(40);
  expect([...owner.values()].every((set) => set.size === 1)).toBe(true);
  const { snapshot } = await at.snapshot({ unit: 'user' });
  expect(snapshot.units.train + snapshot.units.validation + snapshot.units.test).toBe(40);
});

test('testRatio keeps a stable share of the test rows and moves no row', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 1000)));
  const whole = await at.splits();
  const half = await at.splits({}, { evaluation: { testRatio: 0.5 } });
  expect(half.train).toEqual(whole.train);
  const ids = new Set(whole.test.map(({ id }) => id));
  expect(half.test.every(({ id }) => ids.has(id))).toBe(true);
  expect(Math.abs(half.test.length / whole.test.length - 0.5)).toBeLessThan(0.12);
});

test('whole-number ids are numbers in the split files, sorted by value', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 120).map((line) => line.replace('r', ''))));
  const { train } = await at.splits();
  const ids = train.map(({ id }) => id as number);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
  expect(ids.every(Number.isInteger)).toBe(true);
});

test('split files name the members of each split', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 10)));
  at.write('train.txt', 'r0\nr1\nr2\n');
  at.write('test.csv', 'id,note\nr4,x\nr5,y\n');
  const { train, validation, test: tested } = await at.splits({ split: { train: 'train.txt', test: 'test.csv' } });
  expect([train, validation, tested].map((members) => members.map(({ id }) => id))).toEqual([['r0', 'r1', 'r2'], [], ['r4', 'r5']]);
});

test('CSV, JSON lines, Parquet and npz of the same rows give the same splits', async () => {
  const at = room();
  const values = Array.from({ length: 150 }, (_, i) => ({ id: i, label: `c${i % 3}`, x: i * 0.5 }));
  at.write('data.csv', `id,label,x\r\n${values.map(({ id, label, x }) => `${id},"${label}",${x}`).join('\r\n')}\r\n`);
  at.write('data.jsonl', values.map((value) => `${JSON.stringify(value)}\n`).join(''));
  await parquet(join(at.root, 'data.parquet'), `SELECT range AS id, 'c' || (range % 3) AS label, range * 0.5 AS x FROM range(150)`);
  at.write('arrays/id.npy', writeNpy({ shape: [150], data: BigInt64Array.from(values, ({ id }) => BigInt(id)) }));
  at.write('arrays/label.npy', writeNpy({ shape: [150], data: values.map(({ label }) => label) }));
  at.write('arrays/x.npy', writeNpy({ shape: [150, 1], data: Float64Array.from(values, ({ x }) => x) }));
  const expected = await at.splits();
  for (const source of ['data.jsonl', 'data.parquet', 'arrays']) expect(await at.splits({ source })).toEqual(expected);
});

test('an image folder has its classes from the folders and its identity from the paths', async () => {
  const at = room();
  for (let i = 0; i < 80; i++) at.write(`images/${i % 2 ? 'dog' : 'cat'}/${i}.png`, `pixels ${i}`);
  at.write('images/.DS_Store', 'ignored');
  const { snapshot } = await at.snapshot({ source: 'images', id: undefined });
  expect(snapshot).toMatchObject({ kind: 'folder', format: 'folder', file: null, classes: ['cat', 'dog'], rows: 80 });
  const { train } = await at.splits({ source: 'images', id: undefined });
  expect(train[0]).toEqual({ id: expect.stringMatching(/^cat\/\d+\.png$/), label: 'cat', path: train[0]?.id });
});

test('quoted cells with commas, quotes and line ends are read as one cell', async () => {
  const at = room();
  const lines = rows(0, 80).map((line, i) => (i === 3 ? 'r3,odd,4.5,"a, ""b""\nc"' : line));
  at.write('data.csv', csv(lines));
  const { snapshot } = await at.snapshot();
  const kinds = await Promise.all(
    Object.values(snapshot.profiles).map(async (ref) => (await at.store.getJson<SplitProfile>(ref)).columns[1]?.counts ?? {}),
  );
  expect(kinds.flatMap(Object.keys)).toContain('a, "b"\nc');
});

test('a profile holds counts, moments and a sorted sample of each column', async () => {
  const at = room();
  at.write(
    'data.csv',
    `id,label,x,kind\n${Array.from({ length: 10 }, (_, i) => `${i},${i % 2},${i === 2 ? '' : i},${i < 6 ? 'a' : 'b'}`).join('\n')}\n`,
  );
  at.write('train.txt', '0\n1\n2\n3\n7\n');
  at.write('test.txt', '4\n5\n');
  const { snapshot } = await at.snapshot({ split: { train: 'train.txt', test: 'test.txt' } });
  expect(await at.store.getJson(snapshot.profiles.train)).toEqual({
    rows: 5,
    classes: { '0': 2, '1': 3 },
    columns: [
      {
        name: 'x',
        kind: 'number',
        count: 4,
        missing: 1,
        distinct: 4,
        min: 0,
        max: 7,
        mean: 2.75,
        deviation: Math.sqrt(28.75 / 3),
        sample: [0, 1, 3, 7],
      },
      { name: 'kind', kind: 'category', count: 5, missing: 0, distinct: 2, counts: { a: 4, b: 1 }, otherCount: 0 },
    ],
  });
});

test('rows of the same features in train and test are counted whatever their ids', async () => {
  const at = room();
  at.write('data.csv', csv([...rows(0, 40), ...rows(0, 3).map((line) => line.replace('r', 'copy'))]));
  at.write(
    'train.txt',
    rows(0, 30)
      .map((line) => line.split(',')[0])
      .join('\n'),
  );
  at.write('test.txt', ['r30', 'r31', 'copy0', 'copy2'].join('\n'));
  const { snapshot } = await at.snapshot({ split: { train: 'train.txt', test: 'test.txt' } });
  expect(snapshot.overlap.pairs[0]).toEqual({
    splits: ['train', 'test'],
    rows: 2,
    examples: [
      ['r0', 'copy0'],
      ['r2', 'copy2'],
    ],
  });
});

test('the same data give the same snapshot, byte for byte', async () => {
  const [one, other] = [room(), room()];
  for (const at of [one, other]) at.write('data.csv', csv(rows(0, 100)));
  expect((await one.snapshot()).ref).toEqual((await other.snapshot()).ref);
  expect(filesBelow(join(one.root, 'work'))).toEqual([]);
});

test('a source that changed after the snapshot is told by file', async () => {
  const at = room();
  for (let i = 0; i < 40; i++) at.write(`images/${i % 2 ? 'dog' : 'cat'}/${i}.png`, `pixels ${i}`);
  const spec = at.spec({ source: 'images', id: undefined });
  const { snapshot } = await at.snapshot({ source: 'images', id: undefined });
  expect(await verifySource({ spec, snapshot, store: at.store })).toEqual({ changed: null });
  at.write('images/cat/0.png', 'pixels x');
  at.write('images/cat/new.png', 'pixels');
  expect(await verifySource({ spec, snapshot, store: at.store })).toEqual({ changed: 'added: cat/new.png; changed: cat/0.png' });
  const gone = at.spec({ source: 'elsewhere' });
  expect((await verifySource({ spec: gone, snapshot, store: at.store })).changed).toContain('does not exist');
});

test('a materialised snapshot is shared, read-only, and made again where a file was cut', async () => {
  const at = room();
  at.write('data.csv', csv(rows(0, 100)));
  const { ref, snapshot } = await at.snapshot();
  const dir = join(at.root, 'cache');
  const both = await Promise.all([1, 2].map(() => materialise({ snapshotRef: ref, store: at.store, dir })));
  expect(both[0]).toEqual(both[1]);
  const [made] = both;
  if (made === undefined) throw new Error('nothing was made');
  expect(filesBelow(made.dir)).toEqual(['data.csv']);
  expect(statSync(join(made.dir, 'data.csv')).mode & 0o222).toBe(0);
  expect((await readSplit(made.splits.test)).length).toBe(snapshot.splits.test.rows);
  truncateSync(made.splits.test, 10);
  await materialise({ snapshotRef: ref, store: at.store, dir });
  expect((await readSplit(made.splits.test)).length).toBe(snapshot.splits.test.rows);
});
