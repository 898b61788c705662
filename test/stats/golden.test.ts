import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as stats from '../../src/stats';

/** Each script of test/reference writes the file of its name. */
const files = {
  golden: 'scipy, scikit-learn and mpmath',
  special: '50 digits of mpmath',
  tests: 'scipy, statsmodels, scikit-learn and whole-number arithmetic',
  peers: 'scipy, statsmodels and scikit-learn at the edges',
  r: 'R and pROC',
};

interface Golden {
  function: string;
  args: unknown[];
  /** A number, null for undefined, or a list or object of which each key is compared. */
  expected: unknown;
  /** Relative. */
  tolerance: number;
}

const sets = Object.entries(files).map(([file, peers]) => {
  const { cases } = JSON.parse(readFileSync(join(__dirname, `../reference/${file}.json`), 'utf8')) as { cases: Golden[] };
  return { file, peers, cases };
});
const functions = stats as unknown as Record<string, (...args: unknown[]) => unknown>;

test('the golden sets are not cut short', () => {
  expect(sets.reduce((sum, { cases }) => sum + cases.length, 0)).toBeGreaterThanOrEqual(1900);
});

test('every function that computes a number of given ones has golden values', () => {
  const covered = new Set(sets.flatMap(({ cases }) => cases.map((golden) => golden.function)));
  for (const file of ['sequential', 'drift']) {
    const text = readFileSync(join(__dirname, `../reference/${file}.json`), 'utf8');
    for (const [, name] of text.matchAll(/"function": ?"(\w+)"/g)) covered.add(name!);
  }
  const missing = Object.entries(functions).flatMap(([name, value]) =>
    typeof value === 'function' && !covered.has(name) && !elsewhere.has(name) ? [name] : [],
  );
  expect(missing).toEqual([]);
});

/** Held to their definition, to simulation or to another function by tests of their own. */
const elsewhere = new Set([
  ...['Generator', 'binomial', 'Adwin', 'PageHinkley', 'Ddm', 'calibrateRunLength', 'blockLength', 'changePoint'],
  ...['bootstrap', 'idealAccuracyBootstrap', 'pairedBootstrap', 'pairedResampler', 'pairedSettings', 'drawReplicates', 'summarisePaired'],
  ...['quantileBlockBootstrap', 'quantileDifferenceByBlocks', 'meanRateByBlocks'],
  ...['effectiveUnits', 'expandedConfidence', 'expandedPValue'],
  ...['argsort', 'metricValue', 'influenceValues', 'crossFit', 'standardise', 'openLedger', 'recordLook'],
  ...['crossedBootstrap', 'jointRows', 'jointVarianceComponents', 'maxT', 'shrinkTowardsMean'],
]);

describe.each(sets)('agrees with $peers', ({ file, cases }) => {
  test.each([...new Set(cases.map((golden) => golden.function))])(`%s (${file}.json)`, (name) => {
    for (const golden of cases)
      if (golden.function === name) {
        const found = functions[name]!(...golden.args.map(expand));
        expectClose(found, golden.expected, golden.tolerance, `${name}(${JSON.stringify(golden.args).slice(0, 300)})`);
      }
  });
});

/** Long samples are written as (multiplier·i + add) mod modulus, over scale. */
function expand(arg: unknown): unknown {
  const sequence = (arg as { sequence?: [number, number, number, number, number] } | null)?.sequence;
  if (sequence === undefined) return arg;
  const key = sequence.join();
  const known = expanded.get(key) ?? expandSequence(sequence);
  expanded.set(key, known);
  return known;
}

const expanded = new Map<string, Float64Array>();

function expandSequence(sequence: [number, number, number, number, number]): Float64Array {
  const [n, multiplier, add, modulus, scale] = sequence;
  const values = new Float64Array(n);
  for (let i = 0; i < n; i++) values[i] = ((i * multiplier + add) % modulus) / scale;
  return values;
}

function expectClose(found: unknown, expected: unknown, tolerance: number, where: string): void {
  if (expected === null) {
    if (found !== undefined && found !== null) throw new Error(`${where}: expected no value, got ${JSON.stringify(found)}`);
    return;
  }
  if (typeof expected === 'object') {
    const whole = found as Record<string, unknown>;
    for (const [key, value] of Object.entries(expected)) expectClose(whole[key], value, tolerance, `${where}.${key}`);
    if (Array.isArray(expected)) expect(found).toHaveLength(expected.length);
    return;
  }
  if (found === expected) return;
  const number = typeof expected === 'string' ? Number(expected.replace('inf', 'Infinity').replace('nan', 'NaN')) : (expected as number);
  const actual = found as number;
  if (Object.is(actual, number)) return;
  // Values below 1e-300 have no digits to compare; 1e-15 is the rounding of a number of size 1.
  const error = Math.abs(actual - number) / Math.max(Math.abs(number), number === 0 ? 1e-3 : 1e-300);
  if (!(error <= tolerance)) throw new Error(`${where}: expected ${number}, got ${actual}, relative error ${error}`);
}
