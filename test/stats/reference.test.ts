import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as stats from '../../src/stats';

interface Golden {
  function: string;
  args: unknown[];
  expected: number | Record<string, number>;
  /** Relative. */
  tolerance: number;
}

const { cases } = JSON.parse(readFileSync(join(__dirname, '../reference/tests.json'), 'utf8')) as { cases: Golden[] };
const functions = stats as unknown as Record<string, (...args: unknown[]) => unknown>;

test('the golden set is not cut short', () => {
  expect(cases.length).toBeGreaterThanOrEqual(400);
});

describe.each([...new Set(cases.map((golden) => golden.function))])(
  '%s agrees with scipy, statsmodels, scikit-learn and whole-number arithmetic',
  (name) => {
    test.each(cases.filter((golden) => golden.function === name).map((golden, i) => [i, golden] as const))('case %i', (_, golden) => {
      const found = functions[name]!(...golden.args.map(expand));
      const pairs = typeof golden.expected === 'number' ? { value: golden.expected } : golden.expected;
      const own = (typeof golden.expected === 'number' ? { value: found } : found) as Record<string, number>;
      for (const [key, value] of Object.entries(pairs)) {
        const error = Math.abs(own[key]! - value) / Math.max(Math.abs(value), value === 0 ? 1e-3 : 1e-300);
        if (!(error <= golden.tolerance))
          throw new Error(
            `${name}(${JSON.stringify(golden.args).slice(0, 300)}).${key}: expected ${value}, got ${own[key]}, relative error ${error}`,
          );
      }
    });
  },
);

/** Long samples are written as (multiplier·i + add) mod modulus, over scale. */
function expand(arg: unknown): unknown {
  const sequence = (arg as { sequence?: [number, number, number, number, number] } | null)?.sequence;
  if (sequence === undefined) return arg;
  const [n, multiplier, add, modulus, scale] = sequence;
  const values = new Float64Array(n);
  for (let i = 0; i < n; i++) values[i] = ((i * multiplier + add) % modulus) / scale;
  return values;
}
