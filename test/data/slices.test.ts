import { join } from 'node:path';
import { readRows, readSlices } from '../../src/data';
import { csv, type Room, room, rows } from './helpers';

let here: Room;

beforeEach(() => {
  here = room();
  here.write('data.csv', csv(rows(0, 200)));
});

const masks = async (made: Awaited<ReturnType<Room['snapshot']>>): Promise<{ ids: string[][]; test: string[] }> => {
  const test = (await here.store.get(made.snapshot.splits.test.ref))
    .toString()
    .trim()
    .split('\n')
    .map((line) => String((JSON.parse(line) as { id: string }).id));
  const ids = await Promise.all(
    (made.snapshot.slices ?? []).map(async ({ ref }) => {
      const bytes = await here.store.get(ref);
      expect(bytes.length).toBe(test.length);
      return test.filter((_, i) => bytes[i] === 1);
    }),
  );
  return { ids, test };
};

test('a slice holds the test rows that meet its condition, in the order of the split', async () => {
  const made = await here.snapshot({
    slices: [
      { name: 'low', where: "x < 150 and kind = 'a'" },
      { name: 'odd', where: "label = 'odd'" },
    ],
  });
  const { ids, test } = await masks(made);
  const number = (id: string): number => Number(id.slice(1));
  expect(ids[0]).toEqual(test.filter((id) => number(id) * 1.5 < 150 && number(id) % 3 === 0));
  expect(ids[1]).toEqual(test.filter((id) => number(id) % 2 === 1));
  expect(made.snapshot.slices?.map((slice) => slice.rows)).toEqual(ids.map((met) => met.length));
  expect(ids[0]?.length).toBeGreaterThan(2);
});

test('a snapshot without slices has no word of them, and keeps its digest', async () => {
  const { snapshot } = await here.snapshot();
  expect(Object.hasOwn(snapshot, 'slices')).toBe(false);
});

test('the files of a folder are cut by class, size and extension', async () => {
  for (let i = 0; i < 60; i++) here.write(`files/${i % 2 ? 'cat' : 'dog'}/${i}.${i % 3 ? 'png' : 'jpg'}`, 'x'.repeat(10 + i));
  const made = await here.snapshot({
    source: 'files',
    id: undefined,
    slices: [
      { name: 'cats', where: "label = 'cat'" },
      { name: 'large jpg', where: "extension = 'jpg' and bytes > 40" },
    ],
    split: { test: 0.5 },
  });
  const test = (await here.store.get(made.snapshot.splits.test.ref)).toString().trim().split('\n');
  const paths = test.map((line) => (JSON.parse(line) as { path: string }).path);
  const [cats, jpg] = await Promise.all((made.snapshot.slices ?? []).map(({ ref }) => here.store.get(ref)));
  expect(paths.filter((_, i) => cats?.[i] === 1)).toEqual(paths.filter((path) => path.startsWith('cat/')));
  expect(paths.filter((_, i) => jpg?.[i] === 1)).toEqual(
    paths.filter((path) => path.endsWith('.jpg') && 10 + Number(/(\d+)\.jpg/.exec(path)?.[1]) > 40),
  );
});

test.each([
  ['kind = ', 'data.slices, "s": kind =  is no SQL'],
  ['knd = 3', 'data.slices, "s": knd = 3 names no column "knd"; did you mean "kind"?'],
  ['x + 1', 'data.slices, "s": x + 1 is of type DOUBLE, neither true nor false'],
  ['x in (select 1)', 'data.slices, "s": x in (select 1) holds a query of its own'],
  ["exists (select * from read_csv('/etc/passwd'))", 'holds a query of its own'],
  ['true) ; drop table raw; select (true', 'is no SQL'],
  ['random() < 0.5', 'calls random(), which has another value tomorrow'],
  ['sum(x) > 3', 'data.slices, "s": sum(x) > 3 fails: '],
  ['cast(kind as integer) = 1', 'data.slices, "s": cast(kind as integer) = 1 fails on these rows'],
])('%s is refused before anything is trained', async (where, message) => {
  await expect(here.snapshot({ slices: [{ name: 's', where }] })).rejects.toMatchObject({
    type: 'DataInvalid',
    message: expect.stringContaining(message),
  });
});

test('rows whose value is missing belong to no slice unless the condition asks for them', async () => {
  here.write('data.csv', 'id,label,x,y\na,u,1,2\nb,v,,2\nc,u,3,2\n');
  const table = { path: join(here.root, 'data.csv'), format: 'csv' as const, name: 'data.csv', workDir: join(here.root, 'work'), id: 'id' };
  const read = await readSlices({
    ...table,
    slices: [
      { name: 'small', where: 'x <= 1' },
      { name: 'none', where: 'x is null' },
      { name: 'not small', where: 'not x <= 1' },
    ],
  });
  expect(read.ids).toEqual(['a', 'b', 'c']);
  expect(read.slices.map(({ rows: met }) => [...met])).toEqual([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
});

test('times compare with a date in quotes', async () => {
  here.write('data.csv', 'id,label,day\na,u,2026-01-01\nb,v,2026-03-01T12:00:00Z\n');
  const { slices } = await readSlices({
    path: join(here.root, 'data.csv'),
    format: 'csv',
    name: 'data.csv',
    workDir: join(here.root, 'work'),
    slices: [{ name: 'spring', where: "day >= '2026-02-01'" }],
  });
  expect([...(slices[0]?.rows ?? [])]).toEqual([0, 1]);
});

test('rows are read by their numbers alone', async () => {
  const read = await readRows({
    path: join(here.root, 'data.csv'),
    format: 'csv',
    name: 'data.csv',
    workDir: join(here.root, 'work'),
    columns: ['x'],
    rows: [5, 3, 150],
  });
  expect(read.ids).toEqual(['3', '5', '150']);
  expect([...(read.columns[0]?.values ?? [])]).toEqual([4.5, 7.5, 225]);
});
