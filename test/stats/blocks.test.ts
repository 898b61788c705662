import * as stats from '../../src/stats';

const generator = new stats.Generator(11);
/** Blocks of a host that is now faster, now slower; requests have a tail. */
const blocksOf = (count: number, scale = 1, requests = 40): Float64Array[] =>
  Array.from({ length: count }, () => {
    const host = 1 + 0.1 * generator.uniform();
    return Float64Array.from({ length: requests }, () => (5 * scale * host) / (0.2 + generator.uniform()));
  });
const quantileOf = (blocks: readonly Float64Array[], p: number): number =>
  stats.quantile(
    blocks.flatMap((values) => [...values]),
    p,
  ) as number;

describe('quantiles of blocks', () => {
  test('the estimate is the type 7 quantile of all values, ties and blocks of unequal length included', () => {
    const blocks = [...blocksOf(5), Float64Array.of(3, 3, 3, 7), Float64Array.of(4), ...blocksOf(3, 2, 77)];
    for (const p of [0.01, 0.25, 0.5, 0.9, 0.95, 0.99])
      expect(stats.quantileBlockBootstrap({ blocks }, p, { resamples: 50 }).estimate).toBeCloseTo(quantileOf(blocks, p), 10);
  });

  test('each resample is the quantile of the blocks drawn: with 2 blocks the error is known', () => {
    const blocks = [Float64Array.from({ length: 9 }, () => 1), Float64Array.from({ length: 9 }, () => 3)];
    // The median is 1, 2 (of both blocks) or 3 with chances 1/4, 1/2, 1/4: variance 1/2, times 2/1 for two blocks, no lag-1 inflation.
    const { estimate, standardError } = stats.quantileBlockBootstrap({ blocks }, 0.5, { resamples: 40_000 });
    expect(estimate).toBe(2);
    expect(standardError).toBeGreaterThan(0.99);
    expect(standardError).toBeLessThan(1.01);
  });

  test('the standard error of a rate of independent blocks is that of a ratio of means', () => {
    const blocks = blocksOf(40);
    const { a } = stats.meanRateByBlocks({ a: blocks, b: blocksOf(40) }, 32, { resamples: 4000 });
    const seconds = blocks.map((values) => values.reduce((sum, value) => sum + value, 0));
    const mean = seconds.reduce((sum, value) => sum + value, 0) / 40;
    const relative = Math.sqrt(seconds.reduce((sum, value) => sum + (value / mean - 1) ** 2, 0) / 39 / 40);
    expect(a.estimate).toBeCloseTo((32 * 40) / mean, 10);
    const half = stats.tQuantile(0.975, 39) * relative * a.estimate;
    expect((a.high - a.low) / 2 / half).toBeGreaterThan(0.95);
    // Neighbours that happen to go together may widen it.
    expect((a.high - a.low) / 2 / half).toBeLessThan(1.5);
  });
});

describe('differences of blocks', () => {
  const [a, b] = [blocksOf(10), blocksOf(10, 1.3)];

  test('swapping the arms turns difference and interval over and leaves p, to the bit', () => {
    for (const p of [0.5, 0.95]) {
      const there = stats.quantileDifferenceByBlocks({ a, b }, p, { resamples: 500 });
      const back = stats.quantileDifferenceByBlocks({ a: b, b: a }, p, { resamples: 500 });
      expect([-there.difference, -there.high, -there.low, there.pValue]).toEqual([back.difference, back.low, back.high, back.pValue]);
      expect(there.ratio!.estimate * back.ratio!.estimate).toBeCloseTo(1, 12);
    }
  });

  test('the order of requests within a block changes nothing', () => {
    const turned = a.map((values) => values.slice().reverse());
    expect(stats.quantileDifferenceByBlocks({ a: turned, b }, 0.95, { resamples: 300 })).toEqual(
      stats.quantileDifferenceByBlocks({ a, b }, 0.95, { resamples: 300 }),
    );
  });

  test('a drift common to both arms leaves the difference of the arms in the interval', () => {
    const drift = (blocks: readonly Float64Array[]) => blocks.map((values, i) => values.map((value) => value * (1 + i / 10)));
    const { low, high } = stats.quantileDifferenceByBlocks({ a: drift(a), b: drift(a.map((values) => values.map((v) => v + 0.01))) }, 0.5);
    expect(low).toBeLessThan(0.02);
    expect(high).toBeGreaterThan(0);
    // The drift doubles the latency; of the difference it is no part.
    expect(high - low).toBeLessThan(0.1);
  });

  test('neighbours that go together widen the interval, neighbours that alternate do not narrow it', () => {
    const base = Array.from({ length: 12 }, () => Float64Array.of(10, 11, 12));
    const plus = (gaps: readonly number[]) => base.map((values, i) => values.map((value) => value + gaps[i]!));
    const width = (gaps: readonly number[]): number => {
      const { low, high } = stats.meanRateByBlocks({ a: base, b: plus(gaps) }, 32, { resamples: 2000 });
      return high - low;
    };
    const runs = [1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1];
    const turns = runs.map((_, i) => (i % 2 === 0 ? 1 : -1));
    const mixed = [1, 1, -1, -1, 1, -1, 1, -1, -1, 1, 1, -1];
    expect(width(runs)).toBeGreaterThan(1.3 * width(mixed));
    expect(width(turns) / width(mixed)).toBeGreaterThan(0.8);
  });

  test('one throttled pair of twelve does not make a difference', () => {
    const c = blocksOf(12);
    const d = c.map((values, i) => (i === 4 ? values.map((value) => value * 1.5) : values));
    const { low, high, pValue } = stats.meanRateByBlocks({ a: c, b: d }, 32);
    expect(low).toBeLessThan(0);
    expect(high).toBeGreaterThan(0);
    expect(pValue).toBeGreaterThan(0.05);
  });

  test('arms alike have difference 0, p = 1 and an interval of nothing; a constant difference is certain', () => {
    expect(stats.meanRateByBlocks({ a, b: a }, 32)).toMatchObject({ difference: 0, low: 0, high: 0, pValue: 1, ratio: { estimate: 1 } });
    const one = [Float64Array.of(1, 1), Float64Array.of(1, 1)];
    const two = [Float64Array.of(2, 2), Float64Array.of(2, 2)];
    expect(stats.quantileDifferenceByBlocks({ a: one, b: two }, 0.5)).toMatchObject({ difference: 1, low: 1, high: 1, pValue: 0 });
  });

  test('what has no positive rate has no ratio', () => {
    const zero = a.map((values) => values.map(() => 0));
    expect(stats.quantileDifferenceByBlocks({ a: zero, b }, 0.5).ratio).toBeNull();
  });

  test('one block, an empty block or blocks that are not paired are refused by name', () => {
    expect(() => stats.quantileBlockBootstrap({ blocks: [[1, 2]] }, 0.5)).toThrow('blocks must be at least 2 for an interval, got 1');
    expect(() => stats.quantileBlockBootstrap({ blocks: [[1, 2], []] }, 0.5)).toThrow('blocks[1] must have at least 1 value');
    expect(() => stats.quantileDifferenceByBlocks({ a, b: b.slice(1) }, 0.5)).toThrow('a and b must have the same length, got 10 and 9');
  });
});

test('a quantile that order statistics cannot bound has no interval', () => {
  const values = Float64Array.from({ length: 71 }, (_, i) => i);
  expect(stats.quantileInterval(values, 0.95)).toBeNull();
  expect(stats.quantileInterval([...values, 71], 0.95)).toEqual({ low: 63, high: 71 });
});
