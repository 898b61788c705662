// Proves: rows come by column and kind, in their order or that of a time, all or a sample, with what names them.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readRows, readStored } from '../../src/data';
import { removeTemporaryFolders } from '../store/helpers';
import { parquet, type Room, room } from './helpers';

afterAll(removeTemporaryFolders);

type Options = Parameters<typeof readRows>[0];

const read = (at: Room, lines: readonly string[], more: Partial<Options> = {}) => {
  at.write('data.csv', `${lines.join('\n')}\n`);
  return readRows({ path: join(at.root, 'data.csv'), format: 'csv', name: 'data.csv', workDir: join(at.root, 'work'), ...more });
};

const lines = [...['id,x,kind,at', 'r0,1.5,a,2025-03-01', 'r1,,b,2025-01-01', 'r2,-2,,2025-02-01', 'r3,4,a,', 'r4,0,b,2025-01-01']];

describe('the columns', () => {
  it('are numbers with NaN where one is missing, and texts with nothing where one is missing, in the order of the file', async () => {
    const { columns, ids, times } = await read(room(), lines);
    expect(columns.slice(0, 3)).toEqual([
      { name: 'id', kind: 'category', values: ['r0', 'r1', 'r2', 'r3', 'r4'] },
      { name: 'x', kind: 'number', values: Float64Array.of(1.5, Number.NaN, -2, 4, 0) },
      { name: 'kind', kind: 'category', values: ['a', 'b', '', 'a', 'b'] },
    ]);
    expect(columns[3]).toMatchObject({ name: 'at', kind: 'number' });
    expect(columns[3]?.values[1]).toBe(Date.UTC(2025, 0, 1));
    expect([ids, times]).toEqual([['0', '1', '2', '3', '4'], null]);
  });

  it('are those asked for, without those left out', async () => {
    const at = room();
    const titles = async (more: Partial<Options>) => (await read(at, lines, more)).columns.map(({ name }) => name);
    expect(await titles({ columns: ['kind', 'x'] })).toEqual(['x', 'kind']);
    expect(await titles({ leave: ['id', 'at', 'no such column'] })).toEqual(['x', 'kind']);
    expect(await titles({ columns: ['x', 'kind'], leave: ['x'] })).toEqual(['kind']);
  });

  it.each(['columns', 'order', 'id'] as const)('that `%s` names and that are not there are told, with the nearest', async (option) => {
    const value = option === 'columns' ? ['kinds'] : 'kinds';
    await expect(read(room(), lines, { [option]: value })).rejects.toMatchObject({
      type: 'DataInvalid',
      message: expect.stringMatching(/^data\.csv has no column "kinds"; did you mean "kind"/) as string,
    });
  });

  it('come from Parquet and JSON lines as from text', async () => {
    const at = room();
    const name = 'data';
    const workDir = join(at.root, 'work');
    const path = join(at.root, name);
    const expected = [
      { name: 'x', kind: 'number', values: Float64Array.of(1.5, Number.NaN) },
      { name: 'kind', kind: 'category', values: ['a', 'b'] },
    ];
    await parquet(path, "SELECT * FROM (VALUES (1.5::DOUBLE, 'a'), (NULL, 'b')) AS t(x, kind)");
    expect((await readRows({ path, format: 'parquet', name, workDir })).columns).toEqual(expected);
    at.write(name, '{"x": 1.5, "kind": "a"}\n{"x": null, "kind": "b"}\n');
    expect((await readRows({ path, format: 'jsonl', name, workDir })).columns).toEqual(expected);
    expect(readdirSync(workDir)).toEqual([]);
  });
});

describe('the order', () => {
  it('is that of a column of times, equal ones as in the file, without the rows that have none', async () => {
    const { columns, ids, times } = await read(room(), lines, { columns: ['x'], order: 'at' });
    expect(ids).toEqual(['1', '4', '2', '0']);
    expect(times).toEqual(['2025-01-01T00:00:00Z', '2025-01-01T00:00:00Z', '2025-02-01T00:00:00Z', '2025-03-01T00:00:00Z']);
    expect(columns).toEqual([{ name: 'x', kind: 'number', values: Float64Array.of(Number.NaN, 0, -2, 1.5) }]);
  });

  it('is that of numbers as numbers, not as texts', async () => {
    const { ids, times } = await read(room(), ['step,x', '10,1', '9,2', '100,3'], { order: 'step' });
    expect(ids).toEqual(['1', '0', '2']);
    expect(times?.map(Number)).toEqual([9, 10, 100]);
  });

  it('is none where the column holds other things', async () => {
    await expect(read(room(), lines, { order: 'kind' })).rejects.toThrow(
      'data.csv, column "kind": no times; expected ISO 8601 or numbers in every row.',
    );
  });
});

describe('a sample', () => {
  const long = ['id,x', ...Array.from({ length: 2000 }, (_, i) => `r${i},${i}`)];

  it('is of so many rows, the same each time, from the whole file and in its order', async () => {
    const at = room();
    const { ids, columns } = await read(at, long, { sample: 200, columns: ['x'] });
    expect(ids).toHaveLength(200);
    const rows = ids.map(Number);
    expect(rows).toEqual(rows.toSorted((a, b) => a - b));
    expect(columns[0]?.values).toEqual(Float64Array.from(rows));
    // A quarter of the file holds 50 of them, give or take 4 standard deviations.
    for (let quarter = 0; quarter < 4; quarter++)
      expect(Math.abs(rows.filter((row) => Math.floor(row / 500) === quarter).length - 50)).toBeLessThan(25);
    expect((await read(at, long, { sample: 200 })).ids).toEqual(ids);
  });

  it('is all rows where there are no more', async () => {
    expect((await read(room(), long, { sample: 5000 })).ids).toHaveLength(2000);
  });

  it('names its rows by the column asked for', async () => {
    const { ids, columns } = await read(room(), long, { sample: 3, id: 'id', columns: ['x'] });
    const [x] = columns;
    if (x?.kind !== 'number') throw new Error('no numbers');
    expect(ids).toEqual(Array.from(x.values, (value) => `r${value}`));
  });
});

describe('stored data', () => {
  it('give the same rows as their file, and leave nothing behind', async () => {
    const at = room();
    at.write('set/data.csv', `${lines.join('\n')}\n`);
    const stored = { manifest: await at.store.putFolder(join(at.root, 'set')), format: 'csv', name: 'the snapshot' } as const;
    const workDir = join(at.root, 'rows');
    expect(await readStored(at.store, stored, { workDir, order: 'at' })).toEqual(await read(at, lines, { order: 'at' }));
    expect(readdirSync(workDir)).toEqual([]);
    await expect(readStored(at.store, stored, { workDir, columns: ['z'] })).rejects.toThrow('the snapshot has no column "z"');
    expect(readdirSync(workDir)).toEqual([]);
  });

  it('that are no table have no rows', async () => {
    const at = room();
    mkdirSync(join(at.root, 'set'));
    const manifest = await at.store.putFolder(join(at.root, 'set'));
    for (const format of ['folder', null] as const)
      expect(await readStored(at.store, { manifest, format, name: 'files' }, { workDir: at.root })).toBeNull();
  });
});
