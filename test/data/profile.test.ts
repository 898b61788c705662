import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ColumnProfile } from '../../src/contract';
import { numberNoise, profileCategories, profileFile, profileNumbers, profilePredictions, sampleUnits } from '../../src/data/profile';
import { orderStatistics } from '../../src/data/profile/orderStatistics';
import { Generator } from '../../src/stats';
import { removeTemporaryFolders, temporaryFolder } from '../store/helpers';
import { parquet } from './helpers';

afterAll(removeTemporaryFolders);

const csvProfile = async (lines: string[], unit?: string) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'data.csv'), `${lines.join('\n')}\n`);
  const { profile } = await profileFile({
    path: join(folder, 'data.csv'),
    format: 'csv',
    name: 'data.csv',
    workDir: join(folder, 'work'),
    unit,
  });
  return profile;
};
const shuffled = <T>(values: readonly T[], seed: number): T[] => {
  const generator = new Generator(seed);
  const copy = [...values];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = generator.below(i + 1);
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
};

describe('numbers', () => {
  const generator = new Generator(1);
  const uniform = () => generator.uniform();
  const shapes: Record<string, () => number> = {
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    'heavy-tailed': () => Math.tan(Math.PI * (uniform() - 0.5)),
    'spread over 40 orders of magnitude': () => 10 ** (40 * uniform()),
    'five values': () => Math.floor(5 * uniform()) - 2,
    'almost always zero': () => (uniform() < 0.95 ? 0 : uniform() - 0.5),
    'next to the largest double': () => (uniform() - 0.5) * 1.7e308,
    'next to the smallest double': () => uniform() * 1e-310,
    constant: () => 7,
  };
  test.each(Object.keys(shapes))('the kept order statistics of 50,000 values are those of a sort: %s', (shape) => {
    const values = Float64Array.from({ length: 50_000 }, shapes[shape]!);
    const { sample, min, max } = profileNumbers('x', values);
    const sorted = values.slice().sort();
    expect(sample).toHaveLength(10_000);
    expect(sample!.every((value, k) => value === sorted[Math.round((k * 49_999) / 9999)])).toBe(true);
    expect([min, max]).toEqual([sorted[0], sorted[49_999]]);
  });
  test('the order of the values changes no bit', () => {
    for (const shape of Object.values(shapes)) {
      const values = Array.from({ length: 20_000 }, shape);
      const other = Float64Array.from(shuffled(values, 3));
      expect(profileNumbers('x', other)).toEqual(profileNumbers('x', Float64Array.from(values)));
    }
  });
  test('mean and deviation are exact where plain sums lose every digit', () => {
    const { mean, deviation } = profileNumbers('x', Float64Array.from([1e16, 1, -1e16, 1, 1, 1]));
    expect(mean).toBe(4 / 6);
    expect(
      profileNumbers(
        'x',
        Float64Array.from({ length: 1000 }, (_, i) => 1e9 + (i % 2)),
      ).deviation,
    ).toBeCloseTo(Math.sqrt(250 / 999), 12);
    expect(deviation).toBeCloseTo(Math.sqrt(2e32 / 5), -6);
  });
  test('distinct values are exact up to 1,000, and within 5 % beyond', () => {
    const of = (count: number, rows: number) =>
      profileNumbers(
        'x',
        Float64Array.from({ length: rows }, (_, i) => (i % count) * 1.5),
      ).distinct;
    expect([of(1, 10), of(1000, 5000), of(1, 1)]).toEqual([1, 1000, 1]);
    for (const count of [5000, 50_000, 200_000]) expect(Math.abs(of(count, 250_000) / count - 1)).toBeLessThan(0.05);
    expect(
      profileNumbers(
        'x',
        Float64Array.from({ length: 2000 }, (_, i) => i),
      ).distinct,
    ).toBeLessThanOrEqual(2000);
    expect(profileNumbers('x', Float64Array.from([0, -0])).distinct).toBe(1);
  });
  test('what is not finite is missing; a column of nothing else has no moments', () => {
    expect(profileNumbers('x', Float64Array.from([1, NaN, Infinity, 3]))).toMatchObject({ count: 2, missing: 2, mean: 2, sample: [1, 3] });
    expect(profileNumbers('x', Float64Array.from([NaN]))).toEqual({ name: 'x', kind: 'number', count: 0, missing: 1, distinct: 0 });
  });
  test('ranks next to each other and at both ends are found', () => {
    const values = Float64Array.from({ length: 30_000 }, uniform);
    const sorted = values.slice().sort();
    const ranks = [0, 1, 2, 14_999, 15_000, 15_001, 29_998, 29_999];
    expect([...orderStatistics(values, ranks)]).toEqual(ranks.map((rank) => sorted[rank]));
  });
});

describe('categories', () => {
  test('the commonest 1,000 values are counted, the rest summed', () => {
    const values = Array.from({ length: 3000 }, (_, i) => `v${i % 1500}`).concat(new Array<string>(10).fill('often'));
    const { counts, otherCount, distinct, count } = profileCategories('k', values);
    expect(Object.keys(counts!)).toHaveLength(1000);
    expect([counts?.['often'], otherCount, distinct, count]).toEqual([10, 3010 - 10 - 2 * 999, 1501, 3010]);
  });
  test('a value named like a built-in property is only a name', () => {
    expect(profileCategories('k', ['__proto__', 'constructor', '__proto__']).counts).toEqual(
      Object.fromEntries([
        ['__proto__', 2],
        ['constructor', 1],
      ]),
    );
  });
});

describe('files', () => {
  test('a text column is a number or a time where every value reads as one', async () => {
    const { columns, rows } = await csvProfile([
      'n,t,zone,mixed,blank,word',
      '1,2024-01-01,2024-01-01T10:00:00+02:00,1,,a',
      ' 2.5 ,2024-01-02,2024-01-01T08:00:00Z,x,NaN,b',
      'nan,,2024-01-01 09:00,3, ,2024-01-01',
    ]);
    const found = Object.fromEntries(columns.map((column) => [column.name, column]));
    expect(rows).toBe(3);
    expect(columns.map(({ kind }) => kind)).toEqual(['number', 'time', 'time', 'category', 'category', 'category']);
    expect(found['n']).toMatchObject({ count: 2, missing: 1, sample: [1, 2.5] });
    expect(found['t']).toMatchObject({ count: 2, missing: 1, min: Date.UTC(2024, 0, 1), max: Date.UTC(2024, 0, 2) });
    expect(found['zone']).toMatchObject({ distinct: 2, min: Date.UTC(2024, 0, 1, 8), max: Date.UTC(2024, 0, 1, 9) });
    expect(found['blank']).toMatchObject({ count: 0, missing: 3 });
    expect(found['mixed']?.counts).toEqual({ 1: 1, 3: 1, x: 1 });
  });
  test('a date that no calendar has makes a column of text', async () => {
    const { columns } = await csvProfile(['t', '2024-02-30', '2024-02-01']);
    expect(columns[0]?.kind).toBe('category');
  });
  test('Parquet columns are what their type says', async () => {
    const folder = temporaryFolder();
    await parquet(
      join(folder, 'data.parquet'),
      `SELECT i::TINYINT AS small, i::DECIMAL(9,2) AS price, (i % 2 = 0) AS flag, DATE '2024-01-01' + i::INTEGER AS day,
       TIMESTAMP '2024-01-01 00:00:00' + INTERVAL (i) HOUR AS moment, 'w' || (i % 3) AS word, [i] AS list, CASE WHEN i < 90 THEN i::FLOAT END AS holes FROM range(100) t(i)`,
    );
    const { profile, columns: titles } = await profileFile({
      path: join(folder, 'data.parquet'),
      format: 'parquet',
      name: 'data.parquet',
      workDir: folder,
    });
    expect(titles[0]).toBe('small');
    expect(profile.columns.map(({ name, kind }) => [name, kind])).toEqual([
      ['small', 'number'],
      ['price', 'number'],
      ['flag', 'category'],
      ['day', 'time'],
      ['moment', 'time'],
      ['word', 'category'],
      ['list', 'category'],
      ['holes', 'number'],
    ]);
    expect(profile.columns[2]?.counts).toEqual({ false: 50, true: 50 });
    expect(profile.columns[4]).toMatchObject({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2024, 0, 5, 3) });
    expect(profile.columns[7]).toMatchObject({ count: 90, missing: 10 });
  });
  test('the order of the rows changes nothing, in few rows and in many', async () => {
    for (const rows of [500, 25_000]) {
      const generator = new Generator(rows);
      const lines = Array.from(
        { length: rows },
        (_, i) => `${generator.uniform()},k${generator.below(2000)},${i % 7 === 0 ? '' : i % 5},u${i % 90}`,
      );
      const header = 'x,k,few,user';
      const first = await csvProfile([header, ...lines], 'user');
      expect(await csvProfile([header, ...shuffled(lines, 5)], 'user')).toEqual(first);
      expect(first.columns.map(({ kind }) => kind)).toEqual(['number', 'category', 'number', 'category']);
    }
  });
  test('a unit that is no column is refused with the names there are', async () => {
    await expect(csvProfile(['user,x', 'a,1'], 'usr')).rejects.toThrow('data.csv has no column "usr" (the unit); did you mean "user"?');
  });
  test('a CSV of 40 MB is profiled in less than 600 MB of memory', () => {
    const folder = temporaryFolder();
    const program = join(folder, 'profile.cjs');
    const path = join(folder, 'data.csv');
    writeFileSync(
      program,
      `const { DuckDBInstance } = require(${JSON.stringify(require.resolve('@duckdb/node-api'))});
       (async () => {
         const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '512MB' });
         const connection = await instance.connect();
         const cells = Array.from({ length: 25 }, (_, i) => i % 5 === 4 ? "'w' || (hash(i + " + i + ") % 50) AS c" + i : "random() AS c" + i);
         await connection.run("COPY (SELECT " + cells.join(', ') + " FROM range(100000) t(i)) TO '${path}' (FORMAT csv)");
       })();`,
    );
    expect(spawnSync(process.execPath, [program], { encoding: 'utf8' })).toMatchObject({ status: 0 });
    const before = process.resourceUsage().maxRSS;
    return profileFile({ path, format: 'csv', name: 'data.csv', workDir: join(folder, 'work') }).then(({ profile }) => {
      expect(profile.rows).toBe(100_000);
      expect(profile.columns[4]).toMatchObject({ kind: 'category', distinct: 50, count: 100_000 });
      // maxRSS is in KiB and never falls.
      expect(process.resourceUsage().maxRSS - before).toBeLessThan(600 * 1024);
    });
  });
});

describe('noise', () => {
  const noise = (rows: [number, string][], values: Float64Array) => {
    const sample = sampleUnits(rows);
    return sample === null ? null : numberNoise(values, sample);
  };
  test('of rows that repeat ten times each is ten', () => {
    const generator = new Generator(9);
    const drawn = Array.from({ length: 2000 }, () => generator.uniform());
    const values = Float64Array.from({ length: 20_000 }, (_, i) => drawn[Math.floor(i / 10)]!);
    const found = noise(
      Array.from(values, (_, i) => [i, `u${Math.floor(i / 10)}`]),
      values,
    );
    expect(found?.designEffect).toBeGreaterThan(9.5);
    expect(found?.designEffect).toBeLessThan(10.5);
  });
  test('of independent rows within units is about one, and is not measured where every row is a unit or there are under 100', () => {
    const generator = new Generator(10);
    const values = Float64Array.from({ length: 20_000 }, () => generator.uniform());
    const found = noise(
      Array.from(values, (_, i) => [i, `u${i % 2000}`]),
      values,
    );
    expect(found?.designEffect).toBeLessThan(1.1);
    expect(
      noise(
        Array.from(values, (_, i) => [i, `u${i}`]),
        values,
      ),
    ).toBeNull();
    expect(
      noise(
        Array.from({ length: 99 }, (_, i) => [i, `u${i % 9}`]),
        values,
      ),
    ).toBeNull();
  });
  test('of units that lack all their values is that of the gaps', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `${i % 300},${i % 300 < 60 ? '' : (i * 7919) % 3001}`);
    const { columns } = await csvProfile(['user,x', ...lines], 'user');
    const x = columns[1] as ColumnProfile;
    expect(x.noise?.designEffect).toBeGreaterThan(9);
  });
});

describe('predictions', () => {
  test('are of the class of the highest score where none is said, the first of equal ones', () => {
    const { columns, rows } = profilePredictions({ classes: ['a', 'b', 'c'], scores: [0.2, 0.3, 0.5, 0.4, 0.4, 0.2, 0.1, 0.8, 0.1] });
    expect([rows, columns[0]?.counts]).toEqual([3, { a: 1, b: 1, c: 1 }]);
    expect(profilePredictions({ classes: ['a', 'b'], scores: [0.5, 0.5] }).columns[0]?.counts).toEqual({ a: 1 });
  });
  test('are profiled as the class chosen and the score of each class, of two classes one', () => {
    const two = profilePredictions({ classes: ['a', 'b'], predictions: [0, 1, 1], scores: [0.9, 0.1, 0.2, 0.8, 0.4, 0.6] });
    expect(two).toMatchObject({ schema: 'assay.predictions-profile/1', rows: 3 });
    expect(two.columns.map(({ name }) => name)).toEqual(['prediction', 'score of b']);
    expect(two.columns[0]?.counts).toEqual({ a: 1, b: 2 });
    expect(two.columns[1]?.sample).toEqual([0.1, 0.6, 0.8]);
    const three = profilePredictions({ classes: ['a', 'b', 'c'], predictions: [2], scores: null });
    expect(three.columns).toHaveLength(1);
    expect(() => profilePredictions({ classes: ['a'], predictions: [1], scores: null })).toThrow(
      'predictions[0] must be a place in 1 classes, got 1',
    );
  });
});
