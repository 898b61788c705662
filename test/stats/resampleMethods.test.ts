import { bootstrap, effectiveUnits, expandedConfidence, expandedPValue, Generator, normalQuantile, tQuantile } from '../../src/stats';

const generator = new Generator(91);
const normal = Float64Array.from({ length: 40 }, () => 5 + 2 * normalQuantile(generator.uniform()));
const skewed = Float64Array.from({ length: 60 }, () => Math.exp(1.2 * normalQuantile(generator.uniform())));
const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;
const errorOfMean = (values: Float64Array) => {
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length * (values.length - 1)));
};

test.each(['bca', 'percentile', 'basic', 'studentised'] as const)('%s of a mean of normal values lies near the t interval', (method) => {
  const found = bootstrap(normal, mean, { method, resamples: 4000 });
  const half = tQuantile(0.975, 39) * errorOfMean(normal);
  expect(Math.abs(found.low - (mean(normal) - half))).toBeLessThan(0.15 * half);
  expect(Math.abs(found.high - (mean(normal) + half))).toBeLessThan(0.15 * half);
  expect(bootstrap(normal, mean, { method, resamples: 4000 })).toEqual(found);
});

test('the jackknife and the formula give the mean the same studentised interval', () => {
  const byJackknife = bootstrap(normal, mean, { method: 'studentised', resamples: 500 });
  const byFormula = bootstrap(normal, mean, { method: 'studentised', resamples: 500, standardError: errorOfMean });
  expect(byFormula.low).toBeCloseTo(byJackknife.low, 9);
  expect(byFormula.high).toBeCloseTo(byJackknife.high, 9);
});

test('of skewed values bca and studentised reach further to the long side than percentile, and basic less', () => {
  const of = (method: 'bca' | 'percentile' | 'basic' | 'studentised') => bootstrap(skewed, mean, { method, resamples: 4000 });
  const percentile = of('percentile');
  expect(of('bca').high).toBeGreaterThan(percentile.high);
  expect(of('studentised').high).toBeGreaterThan(percentile.high);
  expect(of('basic').high).toBeLessThan(percentile.high);
});

test('values that are all equal have an interval of no width', () => {
  for (const method of ['bca', 'percentile', 'basic', 'studentised'] as const)
    expect(bootstrap([3, 3, 3, 3], mean, { method, resamples: 100 })).toMatchObject({ low: 3, high: 3, standardError: 0 });
});

test('a statistic that is undefined on a resample is refused', () => {
  const ratio = (values: Float64Array) => values[0]! / values.filter((value) => value !== 1).length;
  expect(() => bootstrap([1, 0, 0], (values) => (values.includes(1) ? ratio(values) : Number.NaN), { resamples: 200 })).toThrow(
    'statistic must be a number on every resample',
  );
});

test('a method that is none is refused by name', () => {
  expect(() => bootstrap([1, 2], mean, { method: 'exact' as 'bca' })).toThrow('method must be one of bca, percentile, basic, studentised');
});

test('a widened percentile interval of a mean of few normal values is t, as a plain one is not', () => {
  const few = normal.slice(0, 8);
  const half = tQuantile(0.975, 7) * errorOfMean(few);
  const widthAt = (confidence: number): number => {
    const { low, high } = bootstrap(few, mean, { method: 'percentile', resamples: 20_000, confidence });
    return (high - low) / 2;
  };
  expect(widthAt(0.95) / half).toBeLessThan(0.87);
  expect(widthAt(expandedConfidence(0.95, 8)) / half).toBeGreaterThan(0.93);
  expect(widthAt(expandedConfidence(0.95, 8)) / half).toBeLessThan(1.07);
});

test('the widened p value undoes the widened confidence, and both change nothing where units are many', () => {
  for (const n of [5, 8, 66.7, 1000])
    for (const confidence of [0.8, 0.95, 0.99]) {
      expect(1 - expandedPValue(1 - expandedConfidence(confidence, n), n)).toBeCloseTo(confidence, 9);
      expect(expandedConfidence(confidence, n)).toBeGreaterThan(confidence);
    }
  expect(expandedConfidence(0.95, 1e9)).toBeCloseTo(0.95, 8);
  expect(expandedConfidence(0.95, 1.2)).toBe(1 - 1e-12);
  expect(expandedPValue(0, 5)).toBe(0);
  expect(expandedPValue(1, 5)).toBe(1);
  expect(() => expandedConfidence(0.95, 1)).toThrow(RangeError);
});

test('units of one size are worth their number, and a heavy one makes them few', () => {
  expect(effectiveUnits([3, 3, 7, 7, 1, 1])).toBe(3);
  expect(effectiveUnits([1, 1, 1, 1, 1, 1, 1, 1, 2])).toBeCloseTo(81 / 65, 12);
  expect(() => effectiveUnits([])).toThrow(RangeError);
});
