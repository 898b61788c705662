/** The draws themselves: each sampler against the law it claims, by chi-square; seeds are fixed. */
import {
  binomial,
  binomialPmf,
  chiSquareGoodnessOfFit,
  Generator,
  idealAccuracyBootstrap,
  logGamma,
  pairedBootstrap,
} from '../../src/stats';
import { poissonTable, drawRest } from '../../src/stats/random/poisson-table';
import { CellSampler } from '../../src/stats/resample/cell-sampler';
import { RowSampler } from '../../src/stats/resample/row-sampler';

describe('binomial draws', () => {
  test.each([
    [1, 0.5],
    [20, 0.0005],
    [40, 0.2],
    [99, 0.1],
    [101, 0.1],
    [30, 0.9],
    [1e6, 1e-8],
    [1e6, 9.9e-6],
    [1e6, 1.01e-5],
    [1e6, 0.5],
    [2e6, 0.5],
    [1e9, 1e-3],
    [1e7, 0.999],
  ])('of n = %d and p = %d follow the binomial law', (n, p) => {
    const generator = new Generator(17, n % 1000);
    const draws = 40_000;
    const mean = n * p;
    // Bins of a quarter of a standard deviation, or single values where those are wider.
    const width = Math.max(1, Math.round(Math.sqrt(n * p * (1 - p)) / 4));
    const observed = new Map<number, number>();
    for (let r = 0; r < draws; r++) {
      const bin = Math.floor((binomial(generator, n, p) - Math.floor(mean)) / width);
      observed.set(bin, (observed.get(bin) ?? 0) + 1);
    }
    const law = (bin: number) => {
      let sum = 0;
      for (let j = 0; j < width; j++) {
        const k = Math.floor(mean) + bin * width + j;
        if (k >= 0 && k <= n) sum += binomialPmf(k, n, p);
      }
      return sum * draws;
    };
    expect(
      fit(
        observed,
        law,
        Array.from({ length: 81 }, (_, i) => i - 40),
        draws,
      ),
    ).toBeGreaterThan(1e-4);
  });
});

describe('tables of Poisson counts', () => {
  test.each([
    [0.9, 1, 10],
    [0.9, 2, 12],
    [0.99, 4, 16],
    [7.5, 2, 16],
    [120, 1, 12],
    [3840, 1, 13],
  ])('of mean %d, %d at a time by %d bits, hold the whole law', (mean, pack, bits) => {
    const table = poissonTable(mean, pack, bits);
    const generator = new Generator(23);
    const draws = 60_000;
    const observed = new Map<number, number>();
    const width = Math.max(1, Math.round(Math.sqrt(mean) / 3));
    for (let r = 0; r < draws; r++) {
      const index = generator.uint32() >>> (32 - bits);
      const value = index < table.direct ? table.values[index]! : drawRest(table, generator);
      for (let j = 0; j < pack; j++) {
        const count = pack === 1 ? value : (value >>> (8 * j)) & 255;
        observed.set(Math.floor(count / width), (observed.get(Math.floor(count / width)) ?? 0) + 1);
      }
    }
    const law = (bin: number) => {
      let sum = 0;
      for (let k = bin * width; k < (bin + 1) * width; k++) sum += poisson(k, mean);
      return sum * draws * pack;
    };
    const bins = Array.from({ length: Math.ceil((mean + 12 * Math.sqrt(mean) + 12) / width) }, (_, bin) => bin);
    expect(fit(observed, law, bins, draws * pack)).toBeGreaterThan(1e-4);
    const rest = table.restSums[table.restSums.length - 1]!;
    expect(table.direct / 2 ** bits + rest).toBeCloseTo(1, 12);
  });
});

describe.each([10, 200, 1027, 60_001])('weights of %d rows', (rows) => {
  const sampler = new RowSampler(rows);
  const generator = new Generator(3, rows);
  const replicates = Math.max(20, Math.ceil(200_000 / rows));

  test('add up to the rows, and each row is binomial', () => {
    const observed = new Map<number, number>();
    const halves = new Map<number, number>();
    const half = rows >> 1;
    let wrongTotals = 0;
    for (let r = 0; r < replicates; r++) {
      sampler.draw(generator);
      let sum = 0;
      let first = 0;
      for (let i = 0; i < rows; i++) {
        const weight = sampler.weights[i]!;
        sum += weight;
        if (i < half) first += weight;
        observed.set(weight, (observed.get(weight) ?? 0) + 1);
      }
      wrongTotals += sum === rows ? 0 : 1;
      const scaled = Math.floor((first - half) / Math.sqrt(rows / 4) + 0.5);
      halves.set(scaled, (halves.get(scaled) ?? 0) + 1);
    }
    expect(wrongTotals).toBe(0);
    const single = (k: number) => binomialPmf(k, rows, 1 / rows) * rows * replicates;
    expect(
      fit(
        observed,
        single,
        Array.from({ length: 20 }, (_, k) => k),
        rows * replicates,
      ),
    ).toBeGreaterThan(1e-4);
    if (rows > 2000) return;
    const ofHalf = (bin: number) => {
      let sum = 0;
      for (let k = 0; k <= rows; k++)
        if (Math.floor((k - half) / Math.sqrt(rows / 4) + 0.5) === bin) sum += binomialPmf(k, rows, half / rows);
      return sum * replicates;
    };
    expect(
      fit(
        halves,
        ofHalf,
        Array.from({ length: 13 }, (_, i) => i - 6),
        replicates,
      ),
    ).toBeGreaterThan(1e-4);
  });
});

test.each([
  ['few', [5, 3, 1, 1]],
  ['light', [60, 40, 12, 12, 5, 1, 1, 1]],
  ['of every size', [90_000, 5000, 900, 300, 256, 17, 3, 1]],
  ['heavy', [70_000, 20_000, 9000]],
])('weights of %s cells are multinomial', (_name, sizes) => {
  const counts = Int32Array.from(sizes);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const sampler = new CellSampler(counts);
  const weights = new Int32Array(counts.length);
  const generator = new Generator(8);
  const replicates = 20_000;
  const observed = sizes.map(() => new Map<number, number>());
  const pairs = new Map<number, number>();
  let wrongTotals = 0;
  const binOf = (value: number, size: number) => Math.floor((2 * (value - size)) / Math.sqrt(size));
  for (let r = 0; r < replicates; r++) {
    sampler.draw(generator, weights);
    wrongTotals += weights.reduce((sum, weight) => sum + weight, 0) === total ? 0 : 1;
    const last = sizes.length - 1;
    const pair = binOf(weights[0]! + weights[last]!, sizes[0]! + sizes[last]!);
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    weights.forEach((weight, c) => observed[c]!.set(binOf(weight, sizes[c]!), (observed[c]!.get(binOf(weight, sizes[c]!)) ?? 0) + 1));
  }
  expect(wrongTotals).toBe(0);
  const check = (found: Map<number, number>, size: number) => {
    const law = new Map<number, number>();
    for (let k = Math.max(0, Math.floor(size - 9 * Math.sqrt(size) - 3)); k <= Math.min(total, size + 9 * Math.sqrt(size) + 30); k++) {
      const bin = binOf(k, size);
      law.set(bin, (law.get(bin) ?? 0) + binomialPmf(k, total, size / total) * replicates);
    }
    expect(fit(found, (bin) => law.get(bin) ?? 0, [...law.keys()], replicates)).toBeGreaterThan(1e-4);
  };
  sizes.forEach((size, c) => check(observed[c]!, size));
  check(pairs, sizes[0]! + sizes[sizes.length - 1]!);
});

describe('the ideal bootstrap of accuracy', () => {
  const example = (n: number, seedsA: number, seedsB: number) => {
    const generator = new Generator(41, n);
    const labels = Int32Array.from({ length: n }, () => generator.below(3));
    const arm = (skill: number) => labels.map((label) => (generator.uniform() < skill ? label : generator.below(3)));
    const seeds = (count: number, skill: number) => Array.from({ length: count }, () => arm(skill));
    return { labels, predictions: [seeds(seedsA, 0.6), seeds(seedsB, 0.72)] };
  };

  test.each([
    [50, 1, 1],
    [300, 2, 3],
    [3000, 1, 1],
  ])('is the law of the resamples (n = %d, %d and %d seeds)', (n, seedsA, seedsB) => {
    const input = example(n, seedsA, seedsB);
    const ideal = idealAccuracyBootstrap(input);
    const resamples = 60_000;
    const { replicates, standardError } = pairedBootstrap(input, 'accuracy', { resamples, method: 'percentile' });
    const { from, step, probabilities } = ideal.law;
    const observed = new Map<number, number>();
    for (const gap of replicates) {
      const at = Math.round((gap - from) / step);
      observed.set(at, (observed.get(at) ?? 0) + 1);
    }
    expect(fit(observed, (at) => probabilities[at]! * resamples, [...probabilities.keys()], resamples)).toBeGreaterThan(1e-4);
    expect(Math.abs(standardError! / ideal.standardError - 1)).toBeLessThan(4 / Math.sqrt(2 * resamples));
  });

  test.each(['bca', 'percentile', 'basic'] as const)('has the bounds and p to which those of %s draw near', (method) => {
    const input = example(1500, 1, 2);
    const ideal = idealAccuracyBootstrap(input, { method });
    const drawn = pairedBootstrap(input, 'accuracy', { resamples: 100_000, method });
    expect(drawn.difference).toBeCloseTo(ideal.difference, 12);
    expect(Math.abs(drawn.low! - ideal.low)).toBeLessThan(0.03 * ideal.standardError);
    expect(Math.abs(drawn.high! - ideal.high)).toBeLessThan(0.03 * ideal.standardError);
    const small = example(120, 1, 1);
    const p = idealAccuracyBootstrap(small, { method }).pValue;
    const found = pairedBootstrap(small, 'accuracy', { resamples: 100_000, method }).pValue!;
    expect(Math.abs(found - p)).toBeLessThan(5 * Math.sqrt(p / 100_000) + 1e-4);
  });

  test('is exact for two rows', () => {
    const { law, standardError, difference } = idealAccuracyBootstrap({
      labels: [0, 1],
      predictions: [
        [0, 0],
        [0, 1],
      ],
    });
    expect(difference).toBe(0.5);
    const at = (value: number) => law.probabilities[Math.round((value - law.from) / law.step)];
    expect(at(0)).toBeCloseTo(0.25, 13);
    expect(at(0.5)).toBeCloseTo(0.5, 13);
    expect(at(1)).toBeCloseTo(0.25, 13);
    expect(standardError).toBeCloseTo(Math.sqrt(0.125), 14);
  });

  test('turns over when the arms are swapped, and says nothing of arms alike', () => {
    const input = example(400, 1, 1);
    const one = idealAccuracyBootstrap(input);
    const other = idealAccuracyBootstrap({ ...input, predictions: input.predictions.toReversed() });
    expect(other.difference).toBeCloseTo(-one.difference, 14);
    expect(other.low).toBeCloseTo(-one.high, 12);
    expect(other.high).toBeCloseTo(-one.low, 12);
    expect(other.pValue).toBeCloseTo(one.pValue, 10);
    const same = idealAccuracyBootstrap({ ...input, predictions: [input.predictions[0]!, input.predictions[0]!] });
    expect(same).toMatchObject({ difference: 0, low: 0, high: 0, standardError: 0, pValue: 1 });
  });
});

/** p of the chi-square test of fit; values expected under 5 times are pooled. */
function fit(observed: Map<number, number>, expected: (value: number) => number, values: readonly number[], total: number): number {
  const [o, e]: [number[], number[]] = [[], []];
  let seen = 0;
  let expectedSeen = 0;
  for (const value of values) {
    const count = expected(value);
    if (count < 5) continue;
    o.push(observed.get(value) ?? 0);
    e.push(count);
    seen += observed.get(value) ?? 0;
    expectedSeen += count;
  }
  const rest = total - expectedSeen;
  if (rest >= 1) {
    o.push(total - seen);
    e.push(rest);
  } else expect(total - seen).toBeLessThanOrEqual(10);
  const [found, wanted] = [o, e].map((counts) => counts.reduce((sum, count) => sum + count, 0)) as [number, number];
  return o.length === 1
    ? 1
    : chiSquareGoodnessOfFit(
        o,
        e.map((count) => (count * found) / wanted),
      ).pValue;
}

function poisson(k: number, mean: number): number {
  return Math.exp(k * Math.log(mean) - mean - logGamma(k + 1));
}
