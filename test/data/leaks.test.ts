import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { splitOf } from '../../src/data';
import { removeTemporaryFolders } from '../store/helpers';
import { type Room, room } from './helpers';

afterAll(removeTemporaryFolders);

/** A generator of its own, so that a run is like any other. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The digits of scikit-learn, as the runtime writes them: id, label, p0 to p63. */
function digits(at: Room): string[] {
  const python = process.env['ASSAY_PYTHON'];
  if (python === undefined) throw new Error('ASSAY_PYTHON names no Python with scikit-learn; set it to one.');
  const path = join(at.root, 'digits.csv');
  execFileSync(python, ['-m', 'assay_runtime.builtin', 'digits', path], { env: { ...process.env, PYTHONPATH: resolve('runtime') } });
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}

const leaksOf = async (at: Room, data = {}, more = {}) => (await at.snapshot(data, more)).snapshot.leaks;
const counts = (pairs: { splits: string[]; rows: number }[]): number[] => pairs.map(({ rows }) => rows);

test('the digits as they are have no leak at the defaults', async () => {
  const at = room();
  at.write('data.csv', `${digits(at).join('\n')}\n`);
  const leaks = await leaksOf(at);
  expect(leaks.unitsAcross).toEqual([]);
  expect(leaks.revealing).toEqual([]);
  expect(leaks.nearDuplicates).toMatchObject({ bound: 0.95, method: expect.stringContaining('MinHash') });
  expect(counts(leaks.nearDuplicates?.pairs ?? [])).toEqual([0, 0, 0]);
});

test('copies of digits with one pixel changed are all found, each with its original', async () => {
  const at = room();
  const [head, ...lines] = digits(at);
  const pixel = (line: string, k: number): string => {
    const cells = line.split(',');
    cells[2 + k] = String((Number(cells[2 + k]) + 5) % 17);
    return [cells[0]!.replace('d', 'copy'), ...cells.slice(1)].join(',');
  };
  // The outer columns are blank in nearly all digits and say nothing.
  const copies = lines.slice(0, 60).map((line, i) => pixel(line, 8 * (i % 8) + 2 + (i % 4)));
  at.write('data.csv', `${[head, ...lines, ...copies].join('\n')}\n`);
  const idOf = (line: string): string => line.slice(0, line.indexOf(','));
  at.write('train.txt', lines.slice(0, 1200).map(idOf).join('\n'));
  at.write('test.txt', [...lines.slice(1200), ...copies].map(idOf).join('\n'));
  const { nearDuplicates } = await leaksOf(at, { split: { train: 'train.txt', test: 'test.txt' } });
  expect(counts(nearDuplicates?.pairs ?? [])).toEqual([60, 0, 0]);
  for (const [original, copy, similarity] of nearDuplicates?.pairs[0]?.examples ?? []) {
    expect(copy).toBe(original.replace('d', 'copy'));
    expect(similarity).toBeGreaterThanOrEqual(0.95);
    expect(similarity).toBeLessThan(1);
  }
});

test('the search for near duplicates can be left out', async () => {
  const at = room();
  at.write('data.csv', `id,label,x\n${Array.from({ length: 200 }, (_, i) => `${i},${i % 2},${i}`).join('\n')}\n`);
  expect((await leaksOf(at, {}, { checks: { leaks: { nearDuplicates: false } } })).nearDuplicates).toBeNull();
});

describe('columns that give the label away', () => {
  const table = (header: string, row: (i: number, label: number, u: () => number) => string, count = 1500, classes = 3): string => {
    const u = random(5);
    return `id,label,${header}\n${Array.from({ length: count }, (_, i) => {
      const label = Math.floor(u() * classes);
      return `${i},c${label},${row(i, label, u)}`;
    }).join('\n')}\n`;
  };
  const revealing = async (content: string, more = {}) => {
    const at = room();
    at.write('data.csv', content);
    return (await leaksOf(at, {}, more)).revealing;
  };

  test('a number that follows the label is named with a class and its area, noise is not', async () => {
    const found = await revealing(table('noise,leak', (_, label, u) => `${u()},${label * 10 + u()}`));
    expect(found).toEqual([{ column: 'leak', class: expect.stringMatching(/^c[012]$/), auc: 1 }]);
  });

  test('a planted column of the real digits is the only one named', async () => {
    const at = room();
    const [head, ...lines] = digits(at);
    at.write(
      'data.csv',
      `${[`${head},batch`, ...lines.map((line, i) => `${line},${line.split(',')[1] === '3' ? 7 : i % 7}`)].join('\n')}\n`,
    );
    const found = await leaksOf(at);
    expect(found.revealing).toEqual([{ column: 'batch', class: '3', auc: 1 }]);
  });

  test('a number whose middle range is one class is found though its ranks say nothing', async () => {
    const found = await revealing(
      table('mid', (_, label, u) => `${label === 1 ? 0.4 + 0.2 * u() : u() < 0.5 ? 0.3 * u() : 0.7 + 0.3 * u()}`),
    );
    expect(found).toEqual([{ column: 'mid', class: 'c1', auc: expect.any(Number) }]);
    expect(found[0]?.auc).toBeGreaterThan(0.995);
  });

  test('a category that stands for the label is found, and one that is unique in each row is not', async () => {
    const found = await revealing(table('key,ward', (i, label, u) => `k${i},${'xyz'[label]}${Math.floor(u() * 5)}`));
    expect(found).toEqual([{ column: 'ward', class: expect.any(String), auc: 1 }]);
  });

  test('a category with a few rows each that has nothing to do with the label does not win by memory', async () => {
    expect(await revealing(table('pair,near', (i, _, u) => `p${i >> 1},${Math.floor(u() * 700)}`))).toEqual([]);
  });

  test('where a value is missing can give the label away too', async () => {
    const found = await revealing(table('x', (_, label, u) => (label === 2 ? '' : String(u()))));
    expect(found).toEqual([{ column: 'x', class: 'c2', auc: 1 }]);
  });

  test('the bound decides, and a class of a few rows is not judged', async () => {
    const content = table('x', (_, label, u) => String(label + 1.2 * u()), 2000, 2);
    expect(await revealing(content)).toEqual([]);
    const [found] = await revealing(content, { checks: { leaks: { labelAuc: 0.95 } } });
    expect(found?.auc).toBeGreaterThan(0.95);
    expect(found?.auc).toBeLessThan(0.995);
    const withRare = (count: number): string => content + Array.from({ length: count }, (_, i) => `rare${i},rare,${-5 - i}\n`).join('');
    const stratified = async (text: string) => {
      const at = room();
      at.write('data.csv', text);
      return (await leaksOf(at, { split: { stratify: true } })).revealing;
    };
    expect(await stratified(withRare(12))).toEqual([]);
    expect(await stratified(withRare(20))).toEqual([{ column: 'x', class: 'rare', auc: 1 }]);
  });

  test('the area is that of all pairs, ties as halves', async () => {
    const u = random(8);
    const rows = Array.from({ length: 600 }, (_, i) => ({ id: String(i), label: u() < 0.3 ? 'a' : 'b', x: Math.floor(u() * 12) }));
    for (const row of rows) if (row.label === 'a') row.x += 8;
    const at = room();
    at.write('data.csv', `id,label,x\n${rows.map(({ id, label, x }) => `${id},${label},${x}`).join('\n')}\n`);
    const training = rows.filter(({ id }) => splitOf(id, { test: 0.2, validation: 0.1, seed: 0 }) === 'train');
    const [a, b] = ['a', 'b'].map((name) => training.filter(({ label }) => label === name).map(({ x }) => x)) as [number[], number[]];
    const wins = a.flatMap((x) => b.map((y): number => (x > y ? 1 : x === y ? 0.5 : 0))).reduce((sum, win) => sum + win, 0);
    const { revealing: found } = await leaksOf(at, {}, { checks: { leaks: { labelAuc: 0.8 } } });
    expect(found).toHaveLength(1);
    expect(Math.abs((found[0]?.auc ?? 0) - wins / (a.length * b.length))).toBeLessThan(0.02);
    expect(found[0]?.auc).toBeGreaterThanOrEqual(wins / (a.length * b.length) - 1e-12);
  });
});

describe('units in two splits', () => {
  const content = `id,label,x,user\n${Array.from({ length: 300 }, (_, i) => `r${i},${i % 2},${i},u${i % 50}`).join('\n')}\n`;

  test('are found where files name the splits', async () => {
    const at = room();
    at.write('data.csv', content);
    at.write('train.txt', Array.from({ length: 60 }, (_, i) => `r${i}`).join('\n'));
    at.write('test.txt', ['r100', 'r101', 'r110', 'r111'].join('\n'));
    const { unitsAcross } = await leaksOf(at, { unit: 'user', split: { train: 'train.txt', test: 'test.txt' } });
    expect(unitsAcross).toEqual([{ splits: ['train', 'test'], units: 4, examples: ['u0', 'u1', 'u10', 'u11'] }]);
  });

  test('are found where a time names them', async () => {
    const at = room();
    at.write('data.csv', content);
    const { unitsAcross } = await leaksOf(at, { unit: 'user', split: { time: 'x', before: '270', validationFrom: '265' } });
    expect(unitsAcross.map(({ splits, units }) => [...splits, units])).toEqual([
      ['train', 'test', 30],
      ['train', 'validation', 5],
    ]);
  });

  test('cannot come about by fractions, and are no leak where rows are drawn by id on purpose', async () => {
    const at = room();
    at.write('data.csv', content);
    expect((await leaksOf(at, { unit: 'user' })).unitsAcross).toEqual([]);
    expect((await leaksOf(at, { unit: 'user', split: { by: 'id' } })).unitsAcross).toEqual([]);
  });
});
