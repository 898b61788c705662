import fc from 'fast-check';
import * as stats from '../../src/stats';
import { column, shuffled } from './shuffled';

describe('agreement and average precision', () => {
  const rows = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { minLength: 1, maxLength: 30 });

  test('swapping labels and predictions, and the order of rows, change neither kappa nor Matthews', () => {
    fc.assert(
      fc.property(rows, fc.integer(), (pairs, seed) => {
        const mixed = shuffled(pairs, seed);
        for (const metric of [stats.cohenKappa, stats.matthewsCorrelation]) {
          const found = metric(column(pairs, 0), column(pairs, 1), { classes: 4 });
          const other = metric(column(mixed, 1), column(mixed, 0), { classes: 4 });
          expect(other).toBe(found);
          if (found !== undefined) expect(Math.abs(found)).toBeLessThanOrEqual(1 + 1e-12);
        }
      }),
    );
  });

  test('perfect agreement is 1, and two classes always swapped are -1', () => {
    expect(stats.cohenKappa([0, 1, 2], [0, 1, 2])).toBe(1);
    expect(stats.matthewsCorrelation([0, 1, 2, 2], [0, 1, 2, 2])).toBe(1);
    expect(stats.matthewsCorrelation([0, 1, 1, 0], [1, 0, 0, 1])).toBe(-1);
    expect(stats.cohenKappa([0, 1, 1, 0], [1, 0, 0, 1])).toBe(-1);
  });

  test('0/0 is undefined, not 0', () => {
    expect(stats.cohenKappa([], [])).toBeUndefined();
    expect(stats.cohenKappa([1, 1], [1, 1])).toBeUndefined();
    expect(stats.cohenKappa([1, 1], [0, 0])).toBe(0);
    expect(stats.matthewsCorrelation([], [])).toBeUndefined();
    expect(stats.matthewsCorrelation([0, 1], [1, 1])).toBeUndefined();
    expect(stats.averagePrecision([], [])).toBeUndefined();
    expect(stats.averagePrecision([0, 0], [0.1, 0.2])).toBeUndefined();
  });

  test('average precision knows only the order of scores: ties are one step', () => {
    const scored = fc.array(fc.tuple(fc.nat(1), fc.nat(5)), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(scored, fc.integer(), (pairs, seed) => {
        const mixed = shuffled(pairs, seed);
        const found = stats.averagePrecision(column(pairs, 0), column(pairs, 1));
        const other = stats.averagePrecision(
          column(mixed, 0),
          column(mixed, 1).map((score) => Math.exp(score)),
        );
        if (found === undefined) expect(other).toBeUndefined();
        else expect(other).toBeCloseTo(found, 12);
        const positives = column(pairs, 0).filter((label) => label === 1).length;
        // All tied: the share of positives.
        const tied = stats.averagePrecision(
          column(pairs, 0),
          pairs.map(() => 0.5),
        );
        if (tied === undefined) expect(positives).toBe(0);
        else expect(tied).toBeCloseTo(positives / pairs.length, 12);
      }),
    );
  });

  test('classes without rows are left out of the average', () => {
    const scores = [0.7, 0.2, 0.1, 0.3, 0.6, 0.1, 0.5, 0.4, 0.1];
    expect(stats.averagePrecision([0, 1, 0], scores, { classes: 3 })).toBe(1);
  });
});
