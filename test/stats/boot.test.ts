import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accelerationOf, basicBounds, bcaBounds, percentileBounds } from '../../src/stats/resample/interval';

/** Intervals that R's boot makes of the same 999 replicates of a mean; test/reference/r.R writes them. */
const { boot } = JSON.parse(readFileSync(join(__dirname, '../reference/r.json'), 'utf8')) as {
  boot: {
    sample: number[];
    replicates: number[];
    acceleration: number;
    intervals: { confidence: number; basic: number[]; percentile: number[]; bca: number[] }[];
  };
};
const { sample } = boot;
const sorted = Float64Array.from(boot.replicates).sort();
const total = sample.reduce((sum, value) => sum + value, 0);
const estimate = total / sample.length;
const leftOut = Float64Array.from(sample, (value) => (total - value) / (sample.length - 1));

test('the acceleration is that of boot', () => {
  expect(accelerationOf(leftOut)).toBeCloseTo(boot.acceleration, 12);
});

// boot takes the (R + 1)p-th value, type 7 the (R - 1)p + 1-th: of 999 they are never more than one place apart.
test.each(boot.intervals)('the bounds at $confidence lie within one place of those of boot', ({ confidence, basic, percentile, bca }) => {
  const found = {
    percentile: percentileBounds(sorted, estimate).interval(confidence),
    bca: bcaBounds(sorted, estimate, accelerationOf(leftOut)).interval(confidence),
    basic: basicBounds(sorted, estimate).interval(confidence),
  };
  const place = (value: number): number => {
    const above = sorted.findIndex((replicate) => replicate > value);
    return above - 1 + (value - sorted[above - 1]!) / (sorted[above]! - sorted[above - 1]!);
  };
  const near = (own: number, theirs: number): void => expect(Math.abs(place(own) - place(theirs))).toBeLessThanOrEqual(1.01);
  near(found.percentile.low, percentile[0]!);
  near(found.percentile.high, percentile[1]!);
  near(found.bca.low, bca[0]!);
  near(found.bca.high, bca[1]!);
  near(2 * estimate - found.basic.low, 2 * estimate - basic[0]!);
  near(2 * estimate - found.basic.high, 2 * estimate - basic[1]!);
});
