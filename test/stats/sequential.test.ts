import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import * as stats from '../../src/stats';

interface Golden {
  function: string;
  args: unknown[];
  expected: number | Record<string, number | number[]>;
  tolerance: number;
}

const { cases } = JSON.parse(readFileSync(join(__dirname, '../reference/sequential.json'), 'utf8')) as { cases: Golden[] };
const functions = stats as unknown as Record<string, (...args: unknown[]) => number | Record<string, number | number[]>>;

test('the golden set is not cut short', () => {
  expect(cases.length).toBeGreaterThanOrEqual(168);
});

describe.each([...new Set(cases.map((golden) => golden.function))])('%s agrees with the reference', (name) => {
  test.each(cases.filter((golden) => golden.function === name).map((golden, i) => [i, golden] as const))('case %i', (_, golden) => {
    const found = functions[name]!(...golden.args);
    const { expected, tolerance } = golden;
    if (typeof expected === 'number') expectNear(found as number, expected, tolerance);
    else
      for (const [key, value] of Object.entries(expected)) {
        const actual = (found as Record<string, number | number[]>)[key]!;
        [value].flat().forEach((number, i) => expectNear([actual].flat()[i]!, number, tolerance));
      }
  });
});

function expectNear(actual: number, expected: number, tolerance: number): void {
  if (Object.is(actual, expected)) return;
  // 1e-12 is what is left of numbers of size 1 that cancel.
  const error = Math.abs(actual - expected) / Math.max(Math.abs(expected), 1e-3);
  if (!(error <= tolerance)) throw new Error(`expected ${expected}, got ${actual}, relative error ${error}`);
}

describe('published group-sequential bounds', () => {
  const five = [0.2, 0.4, 0.6, 0.8, 1];
  test.each([
    // Reboussin, DeMets, Kim & Lan 2000, Controlled Clinical Trials 21, 190-207: off by 1 in the fourth digit at look 2 (3.35701).
    ['ld98', { information: five }, [4.8769, 3.3569, 2.6803, 2.2898, 2.031], 2e-4],
    ['ld98', { information: five, spending: 'pocock' }, [2.438, 2.4268, 2.4101, 2.3966, 2.3859], 1e-4],
    // Output of R's ldbounds on r-help, March 2020 ("output of bounds function ldbounds package"), whose grid is as coarse.
    ['ldbounds', { information: [0.1, 0.33, 1] }, [6.9913, 3.7308, 1.9605], 2e-4],
    // gsDesign 3 (sfLDOF, test.type = 1) and rpact (asOF) agree on these.
    ['gsDesign', { information: [1 / 3, 2 / 3, 1], sides: 1, alpha: 0.025 }, [3.7103, 2.5114, 1.993], 1e-4],
    // The rest: criticalValues in rpact's own tests, test-f_design_group_sequential.R.
    [
      'rpact',
      { information: [0.2, 0.4, 1], sides: 1, alpha: 0.03, spending: 'hwang-shih-decani', gamma: 0 },
      [2.5121443, 2.4228747, 2.0280392],
      1e-7,
    ],
    [
      'rpact',
      { information: [0.2, 0.4, 1], sides: 1, alpha: 0.07, spending: 'hwang-shih-decani', gamma: -1 },
      [2.364813, 2.1928805, 1.5660474],
      1e-7,
    ],
    ['rpact', { information: [0.35, 0.7, 1], sides: 1, alpha: 0.13, spending: 'pocock' }, [1.5446617, 1.4828682, 1.4620058], 1e-7],
    ['rpact', { information: [0.4, 0.7], sides: 1, alpha: 0.025, spending: 'pocock' }, [2.223875, 2.3050796], 1e-7],
    ['rpact', { information: [0.4, 0.75, 0.85, 1], sides: 1, alpha: 0.13 }, [2.1280732, 1.4368565, 1.422873, 1.2970881], 1e-7],
  ] as const)('%s: %j', (_, options, z, tolerance) => {
    const found = stats.groupSequentialBounds(options).z;
    expect(found).toHaveLength(z.length);
    z.forEach((value, i) => expect(Math.abs(found[i]! - value)).toBeLessThan(tolerance));
  });
});

describe('groupSequentialBounds', () => {
  test('one look at all the information is the fixed test', () => {
    const found = stats.groupSequentialBounds({ information: [1], alpha: 0.05 });
    expect(found.z[0]).toBeCloseTo(1.959963984540054, 12);
    expect(found.nominalP[0]).toBeCloseTo(0.05, 14);
    expect(found.cumulativeAlpha).toEqual([0.05]);
  });

  test('a look more leaves the bounds of the looks before as they were', () => {
    const short = stats.groupSequentialBounds({ information: [0.3, 0.5], spending: 'pocock' });
    const long = stats.groupSequentialBounds({ information: [0.3, 0.5, 0.9], spending: 'pocock' });
    expect(long.z[0]).toBe(short.z[0]);
    expect(long.z[1]).toBeCloseTo(short.z[1]!, 10);
  });

  test('more information than planned leaves nothing to spend after the look that spends all', () => {
    const found = stats.groupSequentialBounds({ information: [0.5, 1.1, 1.2] });
    expect(found.cumulativeAlpha[1]).toBeCloseTo(0.05, 14);
    expect(found.z[2]).toBe(Infinity);
    expect(found.nominalP[2]).toBe(0);
  });

  test('looks close together cost next to nothing and far early tails keep their digits', () => {
    const { z } = stats.groupSequentialBounds({ information: [0.02, 0.5, 0.501, 1], sides: 1, alpha: 0.025 });
    expect(z[0]).toBeCloseTo(-stats.normalQuantile(2 * stats.normalCdf(stats.normalQuantile(0.0125) / Math.sqrt(0.02))), 8);
    expect(z[2]).toBeGreaterThan(2.9);
    expect(z[3]).toBeCloseTo(stats.groupSequentialBounds({ information: [0.5, 1], sides: 1, alpha: 0.025 }).z[1]!, 3);
  });

  test.each([
    [{ information: [] }, 'information'],
    [{ information: [0.5, 0.5] }, 'information[1]'],
    [{ information: [0.5, 0.4] }, 'information[1]'],
    [{ information: [Number.NaN] }, 'information[0]'],
    [{ information: [1], alpha: 0 }, 'alpha'],
    [{ information: [1], sides: 3 as 1 }, 'sides'],
    [{ information: [1], spending: 'haybittle' as 'pocock' }, 'spending'],
    [{ information: [1], spending: 'hwang-shih-decani', gamma: Number.NaN }, 'gamma'],
  ] as const)('%j names the argument %s', (options, name) => {
    expect(() => stats.groupSequentialBounds(options)).toThrow(name);
  });
});

describe('alwaysValidInterval', () => {
  test('swapping the arms turns the interval round and the p value stays', () => {
    fc.assert(
      fc.property(
        fc.double({ min: -5, max: 5, noNaN: true }),
        fc.double({ min: 1e-9, max: 10, noNaN: true }),
        fc.integer({ min: 1, max: 1e7 }),
        (d, variance, n) => {
          const [one, other] = [d, -d].map((difference) => stats.alwaysValidInterval({ difference, variance, n }));
          expect(other!.low).toBeCloseTo(-one!.high, 12);
          expect(other!.pValue).toBe(one!.pValue);
        },
      ),
    );
  });

  test('it leaves 0 out exactly where the p value reaches alpha, and is wider than the fixed interval', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 8, noNaN: true }),
        fc.integer({ min: 1, max: 100_000 }),
        fc.constantFrom(0.01, 0.05, 0.2),
        (z, n, alpha) => {
          const found = stats.alwaysValidInterval({ difference: z, variance: 1, n }, { alpha, tuning: 300 });
          if (Math.abs(found.low) > 1e-9) expect(found.low > 0).toBe(found.pValue < alpha);
          expect(found.high - z).toBeGreaterThan(-stats.normalQuantile(alpha / 2));
        },
      ),
    );
  });

  test('it is tightest, against the fixed interval, near the rows it is tuned to', () => {
    const width = (n: number): number => stats.alwaysValidInterval({ difference: 0, variance: 1, n }, { tuning: 1000 }).high;
    for (const n of [10, 100, 500, 2000, 10_000, 1e6]) expect(width(1000)).toBeLessThan(width(n));
  });

  test('identical arms have difference 0, the interval [0, 0] and p = 1', () => {
    expect(stats.alwaysValidInterval({ difference: 0, variance: 0, n: 10 })).toMatchObject({ low: 0, high: 0, pValue: 1 });
    expect(stats.alwaysValidInterval({ difference: 1, variance: 0, n: 10 })).toMatchObject({ low: 1, high: 1, pValue: 0 });
  });

  test.each([
    [{ difference: Number.NaN, variance: 1, n: 1 }, {}, 'difference'],
    [{ difference: 0, variance: -1, n: 1 }, {}, 'variance'],
    [{ difference: 0, variance: 1, n: 0 }, {}, 'n'],
    [{ difference: 0, variance: 1, n: 1 }, { tuning: 0 }, 'tuning'],
    [{ difference: 0, variance: 1, n: 1 }, { alpha: 1 }, 'alpha'],
  ])('%j, %j names the argument', (input, options, name) => {
    expect(() => stats.alwaysValidInterval(input, options)).toThrow(name);
  });
});

describe('discordantEProcess', () => {
  test('evidence is the beta-binomial over the binomial probability, whatever the order; the p value never rises again', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1), { minLength: 1, maxLength: 60 }), (outcomes) => {
        const { e, pValue } = stats.discordantEProcess(outcomes);
        const k = outcomes.reduce((sum, x) => sum + x, 0);
        const expected = 1 / ((outcomes.length + 1) * stats.binomialPmf(k, outcomes.length, 0.5));
        expect(e / expected).toBeCloseTo(1, 9);
        expect(stats.discordantEProcess([...outcomes].reverse()).e / e).toBeCloseTo(1, 9);
        expect(pValue).toBeLessThanOrEqual(Math.min(1, stats.discordantEProcess(outcomes.slice(0, -1)).pValue, 1.0000001 / e));
      }),
    );
  });

  test('swapping the arms changes nothing under a symmetric prior', () => {
    const outcomes = [1, 1, 0, 1, 1, 1, 0, 1, 1];
    const turned = stats.discordantEProcess(outcomes.map((x) => 1 - x));
    expect(turned.pValue).toBeCloseTo(stats.discordantEProcess(outcomes).pValue, 14);
  });

  test('no evidence is lost where a million pairs lie on one side', () => {
    expect(stats.discordantEProcess(new Float64Array(1e6).fill(1))).toEqual({ e: Infinity, pValue: 0 });
  });

  test.each([
    [[0, 2], {}, 'outcomes[1]'],
    [[Number.NaN], {}, 'outcomes[0]'],
    [[1], { a: 0 }, 'a must'],
    [[1], { b: -1 }, 'b must'],
  ])('%j, %j names the argument', (outcomes, prior, name) => {
    expect(() => stats.discordantEProcess(outcomes, prior)).toThrow(name);
  });
});

describe('alpha ledger', () => {
  const look = (information: number, pValue: number) => ({ when: '2026-01-01T00:00:00Z', information, pValue });

  test('group-sequential looks take the bounds of the information that was there, planned or not', () => {
    let ledger = stats.openLedger({ scheme: 'group-sequential', spending: 'pocock' });
    for (const information of [0.3, 0.45, 1]) ledger = stats.recordLook(ledger, look(information, 0.03));
    const { nominalP, cumulativeAlpha } = stats.groupSequentialBounds({ information: [0.3, 0.45, 1], spending: 'pocock' });
    expect(ledger.looks.map(({ boundary }) => boundary)).toEqual(nominalP.map((p) => expect.closeTo(p, 10)));
    expect(ledger.looks.map((entry) => entry.cumulativeAlpha)).toEqual(cumulativeAlpha);
    expect(ledger.looks.reduce((sum, { alphaSpent }) => sum + alphaSpent, 0)).toBeCloseTo(0.05, 14);
    expect(ledger.looks.map(({ decision }) => decision)).toEqual(['continue', 'continue', 'continue']);
    expect(JSON.parse(JSON.stringify(ledger))).toEqual(ledger);
  });

  test('a look that rejects is the last', () => {
    const ledger = stats.recordLook(stats.openLedger({ scheme: 'group-sequential' }), look(0.5, 0.001));
    expect(ledger.looks[0]!.decision).toBe('reject');
    expect(() => stats.recordLook(ledger, look(1, 0.5))).toThrow('look 1 has rejected');
  });

  test.each(['group-sequential', 'always-valid'] as const)(
    '%s: a re-run of the same carries no information: nothing is spent, nothing decided',
    (scheme) => {
      let ledger = stats.recordLook(stats.openLedger({ scheme }), look(0.5, 0.2));
      ledger = stats.recordLook(ledger, look(0.5, 0));
      expect(ledger.looks[1]).toMatchObject({ alphaSpent: 0, boundary: 0, decision: 'nothing-new' });
      expect(stats.recordLook(ledger, look(0.6, 0.9)).looks[2]!.decision).toBe('continue');
      expect(() => stats.recordLook(ledger, look(0.4, 0.9))).toThrow('information must not fall below the 0.5 of look 2');
    },
  );

  test('an always-valid p value is held against all of alpha at each look', () => {
    let ledger = stats.openLedger({ scheme: 'always-valid', alpha: 0.01 });
    for (const [information, pValue] of [
      [10, 0.4],
      [20, 0.02],
      [30, 0.01],
    ] as const)
      ledger = stats.recordLook(ledger, look(information, pValue));
    expect(ledger.looks.map(({ boundary, decision }) => [boundary, decision])).toEqual([
      [0.01, 'continue'],
      [0.01, 'continue'],
      [0.01, 'reject'],
    ]);
    expect(ledger.looks.at(-1)!.cumulativeAlpha).toBe(0.01);
  });

  test('looks that overlap spend 6 alpha / (π² k²), which never adds up to more than alpha', () => {
    expect(stats.spendOverlapping(1)).toBeCloseTo(0.030396355092701332, 15);
    expect(stats.spendOverlapping(3, { alpha: 0.1 })).toBeCloseTo(0.6 / (9 * Math.PI ** 2), 15);
    let sum = 0;
    for (let k = 1; k <= 100_000; k++) sum += stats.spendOverlapping(k);
    expect(sum).toBeLessThan(0.05);
    expect(sum).toBeGreaterThan(0.0499);
    let ledger = stats.openLedger({ scheme: 'overlapping' });
    for (const pValue of [0.04, 0.01, 0.003]) ledger = stats.recordLook(ledger, look(1000, pValue));
    expect(ledger.looks.map(({ boundary }) => boundary)).toEqual([1, 2, 3].map((k) => stats.spendOverlapping(k)));
    expect(ledger.looks.map(({ decision }) => decision)).toEqual(['continue', 'continue', 'reject']);
    expect(() => stats.spendOverlapping(0)).toThrow('k must be');
  });
});

describe('betaBinomial', () => {
  test('swapping the arms turns the difference round', () => {
    const [control, variant] = [
      { k: 12, n: 40 },
      { k: 25, n: 60 },
    ];
    const [found, turned] = [stats.betaBinomial({ control, variant }), stats.betaBinomial({ control: variant, variant: control })];
    expect(turned.low).toBeCloseTo(-found.high, 10);
    expect(turned.probabilityBetter).toBeCloseTo(1 - found.probabilityBetter, 12);
    expect(found.expectedLoss - turned.expectedLoss).toBeCloseTo(-found.mean, 12);
  });

  test('identical arms are as likely to win', () => {
    const same = { k: 90_000, n: 100_000 };
    const found = stats.betaBinomial({ control: same, variant: same });
    expect(found.probabilityBetter).toBeCloseTo(0.5, 12);
    expect(found.mean).toBe(0);
    expect(found.low).toBeCloseTo(-found.high, 10);
  });

  test('many rows come to the normal posterior', () => {
    const found = stats.betaBinomial({ control: { k: 500_000, n: 1_000_000 }, variant: { k: 501_000, n: 1_000_000 } });
    const normal = stats.normalPosterior({ difference: found.mean, standardError: found.standardDeviation });
    expect(found.probabilityBetter).toBeCloseTo(normal.probabilityBetter, 6);
    expect(found.expectedLoss / normal.expectedLoss).toBeCloseTo(1, 3);
    expect(found.low).toBeCloseTo(normal.low, 7);
  });

  test.each([
    [{ k: 3, n: 2 }, {}, {}, 'variant.k'],
    [{ k: 1.5, n: 2 }, {}, {}, 'variant.k'],
    [{ k: 1, n: 2 }, { a: 0 }, {}, 'a must'],
    [{ k: 1, n: 2 }, {}, { confidence: 1 }, 'confidence'],
  ])('%j, %j, %j names the argument', (variant, prior, options, name) => {
    expect(() => stats.betaBinomial({ control: { k: 1, n: 2 }, variant }, prior, options)).toThrow(name);
  });
});

describe('power', () => {
  test('the rows that a sample size asks for reach the power, and one row fewer does not', () => {
    const paired = { discordance: 0.1, difference: 0.01 };
    const rows = stats.sampleSizePairedProportions(paired);
    expect(stats.powerPairedProportions({ ...paired, n: rows })).toBeGreaterThanOrEqual(0.8);
    expect(stats.powerPairedProportions({ ...paired, n: rows - 1 })).toBeLessThan(0.8);
    const two = { p1: 0.9, p2: 0.92 };
    expect(stats.powerTwoProportions({ ...two, n: stats.sampleSizeTwoProportions(two) })).toBeGreaterThanOrEqual(0.8);
    expect(stats.powerTwoProportions({ ...two, n: stats.sampleSizeTwoProportions(two) - 1 })).toBeLessThan(0.8);
    const means = { standardDeviation: 2, difference: 0.3, paired: true };
    expect(stats.powerMeans({ ...means, n: stats.sampleSizeMeans(means) })).toBeGreaterThanOrEqual(0.8);
    expect(stats.powerMeans({ ...means, n: stats.sampleSizeMeans(means) - 1 })).toBeLessThan(0.8);
  });

  test('the detectable difference of two proportions is the one that the rows were asked for', () => {
    const n = stats.sampleSizeTwoProportions({ p1: 0.9, p2: 0.92 });
    expect(stats.detectableDifferenceTwoProportions({ p1: 0.9, n })).toBeCloseTo(0.02, 5);
    expect(stats.detectableDifferenceTwoProportions({ p1: 0.9, n: 20 })).toBeUndefined();
  });

  test('no difference is found as often as alpha says, and 5 seeds see less than the normal approximation says', () => {
    expect(stats.powerPairedProportions({ discordance: 0.2, difference: 0, n: 100 })).toBeCloseTo(0.05, 12);
    expect(stats.powerTwoProportions({ p1: 0.3, p2: 0.3, n: 100, alpha: 0.01 })).toBeCloseTo(0.01, 12);
    const seeds = { standardDeviation: 1, difference: 1.5, n: 5, paired: true };
    expect(stats.powerMeans({ ...seeds, test: 't' })).toBeLessThan(stats.powerMeans(seeds) - 0.1);
  });

  test.each([
    [() => stats.powerPairedProportions({ discordance: 0.1, difference: 0.2, n: 10 }), 'difference'],
    [() => stats.powerTwoProportions({ p1: 0.1, p2: 1.2, n: 10 }), 'p2'],
    [() => stats.powerMeans({ standardDeviation: 0, difference: 1, n: 5 }), 'standardDeviation'],
    [() => stats.powerMeans({ standardDeviation: 1, difference: 1, n: 1, test: 't' }), 'n must'],
    [() => stats.detectableDifferenceTwoProportions({ p1: 0, n: 5 }), 'p1'],
  ])('case %# names the argument', (call, name) => {
    expect(call).toThrow(name);
  });
});

describe('calibration over 2,000 experiments without a difference, with a look at every row', () => {
  const experiments = 2000;
  const alpha = 0.05;
  const most = stats.binomialQuantile(0.999, experiments, alpha);
  const least = stats.binomialQuantile(0.001, experiments, alpha);

  test('the e-process over 500 discordant pairs keeps alpha, where a test at every pair does not', () => {
    const generator = new stats.Generator(61);
    let [found, peeking] = [0, 0];
    for (let i = 0; i < experiments; i++) {
      const outcomes = Array.from({ length: 500 }, () => generator.below(2));
      if (stats.discordantEProcess(outcomes).pValue <= alpha) found++;
      let score = 0;
      if (outcomes.some((x, row) => Math.abs((score += 2 * x - 1)) > 1.96 * Math.sqrt(row + 1) && row >= 20)) peeking++;
    }
    expect(found).toBeLessThanOrEqual(most);
    expect(peeking).toBeGreaterThan(5 * alpha * experiments);
  });

  test('the e-process sees 60 % of discordant pairs in favour within 1,000 of them nine times in ten', () => {
    const generator = new stats.Generator(62);
    let found = 0;
    for (let i = 0; i < 300; i++) {
      const outcomes = Array.from({ length: 1000 }, () => (generator.uniform() < 0.6 ? 1 : 0));
      if (stats.discordantEProcess(outcomes).pValue <= alpha) found++;
    }
    expect(found).toBeGreaterThan(270);
  });

  test.each([
    ['normal rows of known variance, from the first on', 1, 100],
    ['rows of -1, 0 and 1 with the variance estimated from them, from the 50th on', 50, 100],
  ])('the interval of %s, holds 0 at all of 500 rows together', (kind, first, tuning) => {
    const known = kind.startsWith('normal');
    const generator = new stats.Generator(63, tuning + first);
    let found = 0;
    for (let i = 0; i < experiments; i++) {
      let [sum, squares] = [0, 0];
      for (let n = 1; n <= 500; n++) {
        const x = known ? stats.normalQuantile(generator.uniform()) : [-1, 0, 0, 0, 0, 0, 0, 0, 0, 1][generator.below(10)]!;
        sum += x;
        squares += x * x;
        if (n < first) continue;
        const variance = known ? 1 / n : (squares - (sum * sum) / n) / (n - 1) / n;
        const { low, high } = stats.alwaysValidInterval({ difference: sum / n, variance, n }, { tuning, alpha });
        if (low > 0 || high < 0) {
          found++;
          break;
        }
      }
    }
    expect(found).toBeLessThanOrEqual(most);
  });

  test.each(['obrien-fleming', 'pocock', 'hwang-shih-decani'] as const)(
    '20 looks under %s bounds spend alpha, no more and no less',
    (spending) => {
      const looks = Array.from({ length: 20 }, (_, i) => (i + 1) / 20);
      const { z } = stats.groupSequentialBounds({ information: looks, spending, alpha });
      const generator = new stats.Generator(64);
      let found = 0;
      for (let i = 0; i < experiments; i++) {
        let score = 0;
        if (z.some((bound, look) => Math.abs((score += stats.normalQuantile(generator.uniform()))) >= bound * Math.sqrt(look + 1))) found++;
      }
      expect(found).toBeLessThanOrEqual(most);
      expect(found).toBeGreaterThanOrEqual(least);
    },
  );

  test('ten looks that share most of their rows keep alpha in an overlapping ledger', () => {
    const generator = new stats.Generator(65);
    let found = 0;
    for (let i = 0; i < experiments; i++) {
      const rows = Array.from({ length: 20 }, () => stats.normalQuantile(generator.uniform()));
      let ledger = stats.openLedger({ scheme: 'overlapping', alpha });
      for (let k = 0; k < 10 && ledger.looks.at(-1)?.decision !== 'reject'; k++) {
        const z = rows.slice(k, k + 10).reduce((sum, x) => sum + x, 0) / Math.sqrt(10);
        ledger = stats.recordLook(ledger, { when: `night ${k}`, information: 10, pValue: 2 * stats.normalCdf(-Math.abs(z)) });
      }
      if (ledger.looks.at(-1)?.decision === 'reject') found++;
    }
    expect(found).toBeLessThanOrEqual(most);
  });
});
