import { argsort, averagePrecision, delong, rocAuc } from '../../src/stats';
import { uniform } from '../analysis/simulate';

describe('argsort', () => {
  test('puts rows in ascending order of any finite values, equal ones in the order in which they came', () => {
    const random = uniform(7);
    for (const n of [0, 1, 2, 3, 50, 3000]) {
      const values = Float64Array.from({ length: n }, () => {
        const u = random();
        if (u < 0.3) return Math.round(10 * random()) - 5;
        return (random() - 0.5) * 10 ** (600 * random() - 300);
      });
      const expected = Array.from(values, (_, i) => i).sort((i, j) => (values[i] as number) - (values[j] as number) || i - j);
      expect([...argsort(values)]).toEqual(expected);
      expect([...argsort([...values])]).toEqual(expected);
    }
  });

  test('takes 0 and -0 for equal, and infinite values and the smallest numbers at their place', () => {
    expect([...argsort([0, -0, -5e-324, 5e-324, 0, -0, Infinity, -Infinity])]).toEqual([7, 2, 0, 1, 4, 5, 3, 6]);
  });
});

test('scores of 0 and -0 are one tie to AUC, average precision and DeLong', () => {
  const labels = [0, 1, 0, 1, 1, 0];
  const [signed, plain] = [
    [-0, 0, 0, -0, 1, -1],
    [0, 0, 0, 0, 1, -1],
  ] as const;
  expect(rocAuc(labels, signed)).toBe(rocAuc(labels, plain));
  expect(averagePrecision(labels, signed)).toBe(averagePrecision(labels, plain));
  expect(delong(labels, signed, plain)).toMatchObject({ difference: 0, pValue: 1, low: 0, high: 0 });
});
