import { classifierDrift, mmdDrift, multivariateDrift } from '../../src/checks/multivariate';
import { binomialQuantile, ksTwoSample } from '../../src/stats';
import { category, draws, number, sample } from './samples';

/** Two normal columns of correlation rho, and a third. */
function correlated(seed: number, n: number, rho: number) {
  const random = draws(seed);
  const a = random.normals(n);
  const b = a.map((x) => rho * x + Math.sqrt(1 - rho * rho) * random.normal());
  return sample(number('a', a), number('b', b), number('c', random.normals(n)));
}

describe('a change of correlation alone', () => {
  const [before, after] = [correlated(1, 1000, 0), correlated(2, 1000, 0.7)];

  test('is seen by no column', () => {
    before.columns.forEach(({ values }, j) => {
      expect(ksTwoSample(values as Float64Array, after.columns[j]!.values as Float64Array).pValue).toBeGreaterThan(0.01);
    });
  });

  test('is seen by the classifier, which names the two columns and the rows that show it', () => {
    const ids = Array.from({ length: 1000 }, (_, i) => `r${i}`);
    const found = classifierDrift(before, { ...after, ids });
    expect(found).toMatchObject({ column: 'all columns together', what: 'multivariate', test: 'classifier', alarm: true });
    expect(found.effect.value).toBeGreaterThan(0.6);
    expect(found.detail).toContain('"a × b"');
    expect(found.where?.segment).toContain('"a × b"');
    expect(found.where!.share.current).toBeGreaterThan(found.where!.share.reference * 1.5);
    expect(found.where?.rows).toHaveLength(5);
    expect(found.picture?.reference.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(found.picture?.edges).toHaveLength(found.picture!.current.length + 1);
  });

  test('is seen by the maximum mean discrepancy', () => {
    expect(mmdDrift(before, after)).toMatchObject({ test: 'mmd', alarm: true });
  });
});

describe('without change', () => {
  test('of 2,000 comparisons of mixed tables the classifier alarms in no more than it claims', () => {
    const [runs, alpha] = [2000, 0.05];
    let alarms = 0;
    for (let seed = 1; seed <= runs; seed++) {
      const random = draws(seed);
      const side = () => {
        const a = random.normals(40);
        return sample(
          number('a', a),
          number(
            'b',
            a.map((x) => x + Math.abs(random.normal())),
          ),
          category(
            'c',
            Array.from(a, (x) => (x > 0.5 ? 'high' : random.pick(['low', 'middle']))),
          ),
        );
      };
      if (classifierDrift(side(), side(), { seed }).pValue! < alpha) alarms++;
    }
    expect(alarms).toBeLessThanOrEqual(binomialQuantile(0.99, runs, alpha));
    expect(alarms).toBeGreaterThan(0);
  }, 240_000);

  test('of 400 comparisons the maximum mean discrepancy alarms in what it claims', () => {
    const [runs, alpha] = [400, 0.05];
    let alarms = 0;
    for (let seed = 1; seed <= runs; seed++)
      if (mmdDrift(correlated(2 * seed, 30, 0.5), correlated(2 * seed + 1, 30, 0.5), { seed }).pValue! < alpha) alarms++;
    expect(alarms).toBeLessThanOrEqual(binomialQuantile(0.995, runs, alpha));
    expect(alarms).toBeGreaterThanOrEqual(binomialQuantile(0.005, runs, alpha));
  }, 240_000);

  test('a difference of no consequence in many rows is no alarm', () => {
    const random = draws(3);
    const found = classifierDrift(sample(number('a', random.normals(10_000))), sample(number('a', random.normals(10_000, 0.06))));
    expect(found.pValue).toBeLessThan(0.01);
    expect(found.alarm).toBe(false);
  });
});

describe('columns of other kinds', () => {
  test('another mix of categories and values that went missing are named', () => {
    const random = draws(4);
    const side = (shares: string[], lost: number) =>
      sample(
        category(
          'country',
          Array.from({ length: 600 }, () => random.pick(shares)),
        ),
        number(
          'age',
          Array.from({ length: 600 }, () => (random.uniform() < lost ? Number.NaN : random.normal())),
        ),
      );
    const countries = classifierDrift(side(['de', 'fr', 'it'], 0), side(['de', 'de', 'de', 'fr', 'it'], 0));
    expect(countries.alarm).toBe(true);
    expect(countries.detail).toContain('country = de');
    const missing = classifierDrift(side(['de', 'fr'], 0.02), side(['de', 'fr'], 0.3));
    expect(missing.alarm).toBe(true);
    expect(missing.detail).toContain('age missing');
  });

  test('a wider spread is named as a square', () => {
    const random = draws(5);
    const found = classifierDrift(
      sample(number('a', random.normals(800))),
      sample(
        number(
          'a',
          random.normals(800).map((x) => 2 * x),
        ),
      ),
    );
    expect(found.alarm).toBe(true);
    expect(found.detail).toContain('"a squared"');
  });

  test('too few rows give no p value, and tables without a common column are refused', () => {
    const random = draws(6);
    const few = sample(number('a', random.normals(12)));
    expect(multivariateDrift(few, few).map(({ pValue, alarm }) => ({ pValue, alarm }))).toEqual([
      { pValue: null, alarm: false },
      { pValue: null, alarm: false },
    ]);
    expect(() => classifierDrift(sample(number('a', random.normals(50))), sample(category('a', Array<string>(50).fill('x'))))).toThrow(
      /share no column of the same kind/,
    );
  });

  test('the same seed gives the same finding', () => {
    const [a, b] = [correlated(7, 200, 0), correlated(8, 200, 0.3)];
    expect(multivariateDrift(a, b, { seed: 4 })).toEqual(multivariateDrift(a, b, { seed: 4 }));
  });
});
