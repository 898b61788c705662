// Proves: which column is of which class is never a matter of the order in which a file happens to have them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CompareResult, runCompare } from '../../src/cli/compare/compare';
import type { CompareOptions } from '../../src/cli/compare/input';
import { readPilotFiles } from '../../src/cli/plan/pilotFiles';
import { writeNpy } from '../../src/contract/npy';

const folder = mkdtempSync(join(tmpdir(), 'compare-classes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rows = 60;
/** Quarters, so that rows have ties between their largest scores. */
const scores = (row: number, shift: number): number[] =>
  [
    [2, 2, 0],
    [1, 2, 1],
    [0, 2, 2],
    [3, 0, 1],
  ][(row + shift) % 4]!.map((n) => n / 4);
const label = (row: number): number => (row * 7) % 3;

const table = (name: string, names: readonly string[], order: readonly number[], shift: number, labels = names): string => {
  const header = `id,label,${order.map((c) => `score_${names[c]}`).join(',')}`;
  const lines = Array.from({ length: rows }, (_, row) => [row, labels[label(row)], ...order.map((c) => scores(row, shift)[c])].join(','));
  writeFileSync(join(folder, name), [header, ...lines].join('\n'));
  return join(folder, name);
};
const array = (name: string, values: Float64Array, shape: number[]): string => {
  writeFileSync(join(folder, name), writeNpy(values, shape));
  return join(folder, name);
};
const matrix = (name: string, shift: number): string =>
  array(
    name,
    Float64Array.from({ length: rows * 3 }, (_, i) => scores(Math.floor(i / 3), shift)[i % 3]!),
    [rows, 3],
  );
const ids = (): string => {
  writeFileSync(join(folder, 'ids.csv'), ['id', ...Array.from({ length: rows }, (_, row) => row)].join('\n'));
  return join(folder, 'ids.csv');
};
const compared = async (inputs: string[], options: Partial<CompareOptions> = {}): Promise<CompareResult> =>
  (await runCompare({ inputs, resamples: 1000, metrics: ['accuracy', 'f1_macro', 'log_loss'], ...options })).result;
const numbers = ({ comparisons }: CompareResult): unknown =>
  comparisons.map(({ metric, difference, low, high, pValue }) => ({ metric, difference, low, high, pValue }));

describe.each([
  ['numbers', ['0', '1', '2']],
  ['numbers with gaps', ['2', '9', '10']],
  ['words', ['cat', 'dog', 'eel']],
])('of classes named by %s', (_, names) => {
  let sorted: unknown;
  beforeAll(async () => {
    sorted = numbers(await compared([table('a.csv', names, [0, 1, 2], 0), table('b.csv', names, [0, 1, 2], 1)]));
  });

  test('columns in another order give the same numbers, ties between scores included', async () => {
    const result = await compared([table('a2.csv', names, [2, 0, 1], 0), table('b2.csv', names, [1, 2, 0], 1)]);
    expect(result.classes).toEqual(names);
    expect(numbers(result)).toEqual(sorted);
  });

  test('an array without names beside such a table is read in sorted order', async () => {
    const result = await compared([matrix('a.npy', 0), table('b2.csv', names, [1, 2, 0], 1)], { ids: ids() });
    expect(numbers(result)).toEqual(sorted);
    const note = `taken as the classes in sorted order: ${names.join(', ')}`;
    expect(result.notes.some((each) => each.includes(note))).toBe(names[0] !== '0');
  });

  test('the files of a pilot are matched alike', async () => {
    const { classes, sides } = await readPilotFiles([table('a.csv', names, [0, 1, 2], 0), table('b2.csv', names, [1, 2, 0], 1)]);
    expect(classes).toEqual(names);
    expect([...sides[0]![0]!.labels!]).toEqual([...sides[1]![0]!.labels!]);
    expect([...sides[1]![0]!.scores.subarray(0, 3)]).toEqual(scores(0, 1));
  });
});

test('labels that count the columns of a table keep its order', async () => {
  const names = ['eel', 'cat', 'dog'];
  const [a, b] = [0, 1].map((shift) => table(`${shift}.csv`, names, [0, 1, 2], shift, ['0', '1', '2']));
  const result = await compared([a as string, b as string]);
  expect(result.classes).toEqual(names);
  expect(result.notes.join(' ')).toMatch(/labels are numbers, taken as places in the list of classes eel, cat, dog/);
});

test('a column of scores of the first class beside an array of both is turned', async () => {
  const yes = (row: number, shift: number): number => 0.05 + ((row * 13 + shift * 5) % 18) / 20;
  const one = (name: string, shift: number, of: 0 | 1): string => {
    const lines = Array.from({ length: rows }, (_, row) => `${row},${row % 2},${of === 1 ? yes(row, shift) : 1 - yes(row, shift)}`);
    writeFileSync(join(folder, name), [`id,label,score_${of}`, ...lines].join('\n'));
    return join(folder, name);
  };
  const both = Float64Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 1 ? yes(i >> 1, 0) : 1 - yes(i >> 1, 0)));
  const wanted = numbers(await compared([one('a1.csv', 0, 1), one('b1.csv', 1, 1)]));
  const got = numbers(await compared([array('both.npy', both, [rows, 2]), one('b0.csv', 1, 0)], { ids: ids() }));
  expect(JSON.parse(JSON.stringify(got, rounded))).toEqual(JSON.parse(JSON.stringify(wanted, rounded)));
});

const rounded = (_: string, value: unknown): unknown => (typeof value === 'number' ? Number(value.toFixed(9)) : value);
