import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as stats from '../../src/stats';

interface Golden {
  function: string;
  args: unknown[];
  expected: unknown;
  tolerance: number;
}

const { cases } = JSON.parse(readFileSync(join(__dirname, '../reference/golden.json'), 'utf8')) as { cases: Golden[] };
const functions = stats as unknown as Record<string, (...args: unknown[]) => unknown>;

test('the golden set is not cut short', () => {
  expect(cases.length).toBeGreaterThanOrEqual(150);
});

describe.each([...new Set(cases.map((golden) => golden.function))])('%s agrees with the reference', (name) => {
  test.each(cases.filter((golden) => golden.function === name).map((golden, i) => [i, golden] as const))('case %i', (_, golden) => {
    const found = functions[name]!(...golden.args);
    expectClose(found, golden.expected, golden.tolerance, `${name}(${JSON.stringify(golden.args).slice(0, 200)})`);
  });
});

function expectClose(found: unknown, expected: unknown, tolerance: number, where: string): void {
  if (expected !== null && typeof expected === 'object') {
    const whole = found as Record<string, unknown>;
    for (const [key, value] of Object.entries(expected)) expectClose(whole[key], value, tolerance, `${where}.${key}`);
    return;
  }
  const number = typeof expected === 'string' ? Number(expected.replace('inf', 'Infinity').replace('nan', 'NaN')) : (expected as number);
  const actual = found as number;
  if (Object.is(actual, number) || actual === number) return;
  // Values below 1e-300 have no digits to compare; 1e-15 is the rounding of a number of size 1.
  const error = Math.abs(actual - number) / Math.max(Math.abs(number), number === 0 ? 1e-3 : 1e-300);
  if (!(error <= tolerance)) throw new Error(`${where}: expected ${number}, got ${actual}, relative error ${error}`);
}
