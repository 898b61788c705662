import { analyse, type AnalysisInput } from '../../src/analysis';
import type { Breakdown } from '../../src/contract';
import {
  expectedCalibrationError,
  influenceValues,
  mcnemar,
  metricValue,
  perClass,
  varianceComponents,
  varianceComponentsInfluence,
  type BootstrapMetric,
} from '../../src/stats';
import { clustered, reordered, sliceOf, spoil, swapped, withColumns } from './slices';
import { experiment, planOf, run } from './simulate';

const arms = [{ name: 'mlp' }, { name: 'cnn', skill: 0.4 }];

describe('a slice', () => {
  test('of one pair has the exact McNemar test and an interval around its own difference', () => {
    const input = sliceOf(experiment({ seed: 1, rows: 900, seeds: [1], arms }), 'thirds', (row) => row % 3 === 0);
    const { a, b } = hitsOf(input, 0);
    const picked = rowsOf(input, (row) => row % 3 === 0);
    const onlyA = picked.filter((row) => a[row] === 1 && b[row] === 0).length;
    const onlyB = picked.filter((row) => a[row] === 0 && b[row] === 1).length;
    const [slice] = breakdownOf(input).slices;
    expect(slice).toMatchObject({ name: 'thirds', where: 'thirds', rows: 300, units: 300 });
    expect(slice?.difference).toBeCloseTo((onlyB - onlyA) / 300, 14);
    expect(slice?.control).toBeCloseTo(picked.reduce((sum, row) => sum + (a[row] as number), 0) / 300, 14);
    expect(slice?.pValue).toBe(
      mcnemar([
        [0, onlyA],
        [onlyB, 0],
      ]).pValue,
    );
    expect(slice?.low).toBeLessThan(slice?.difference as number);
    expect(slice?.high).toBeGreaterThan(slice?.difference as number);
  });

  test.each([false, true])('of five pairs has the variance components of its own rows (rows in units: %p)', (inUnits) => {
    const plain = sliceOf(experiment({ seed: 2, rows: 800, arms }), 'halves', (row) => row % 2 === 0);
    const input = inUnits ? clustered(plain, (row) => Math.floor(row / 7)) : plain;
    const picked = rowsOf(input, (row) => row % 2 === 0);
    const side = (name: 'a' | 'b'): Float64Array[] =>
      [0, 1, 2, 3, 4].map((seed) => {
        const hits = hitsOf(input, seed)[name];
        return Float64Array.from(picked, (row) => hits[row] as number);
      });
    const expected = varianceComponents({
      a: side('a'),
      b: side('b'),
      ...(inUnits ? { units: Int32Array.from(picked, (row) => Math.floor(row / 7)) } : {}),
    });
    const [slice] = breakdownOf(input).slices;
    expect(slice?.units).toBe(inUnits ? 115 : 400);
    for (const key of ['difference', 'low', 'high', 'pValue'] as const) expect(slice?.[key]).toBeCloseTo(expected[key], 10);
  });

  test.each<BootstrapMetric>(['f1_macro', 'recall_macro', 'auc_ovr', 'log_loss', 'ece'])('has %s on its own rows', (metric) => {
    const input = sliceOf(experiment({ seed: 3, rows: 600, arms, plan: { primary: metric } }), 'some', (row) => row % 5 < 2);
    const picked = rowsOf(input, (row) => row % 5 < 2);
    const labels = Int32Array.from(picked, (row) => input.labels[row] as number);
    const found = input.variants.map((variant) =>
      variant.runs.map(({ scores }) => {
        const own = Float64Array.from(picked.flatMap((row) => [...(scores as Float64Array).subarray(row * 3, row * 3 + 3)]));
        const given = ['f1_macro', 'recall_macro'].includes(metric) ? topOf(own, 3) : own;
        return { ...influenceValues(metric, labels, given, 3), direct: metricValue(metric, labels, given, 3) as number };
      }),
    );
    const average = (arm: number): number => (found[arm] ?? []).reduce((sum, { direct }) => sum + direct / 5, 0);
    const breakdown = breakdownOf(input);
    const [slice] = breakdown.slices;
    expect(breakdown.metric).toBe(metric);
    expect(slice?.control).toBeCloseTo(average(0), 12);
    expect(slice?.variant).toBeCloseTo(average(1), 12);
    if (metric === 'ece') return;
    const [a, b] = found as [(typeof found)[number], (typeof found)[number]];
    const expected = varianceComponentsInfluence({
      metricA: a.map(({ direct }) => direct),
      metricB: b.map(({ direct }) => direct),
      influenceA: a.map(({ influence }) => influence),
      influenceB: b.map(({ influence }) => influence),
    });
    for (const key of ['low', 'high', 'pValue'] as const) expect(slice?.[key]).toBeCloseTo(expected[key], 9);
  });

  test('where the variant was made worse is worse, and the rest, where it is better, is better', () => {
    const plain = experiment({ seed: 4, rows: 2000, seeds: [1], arms: [{ name: 'mlp' }, { name: 'cnn', skill: 1 }] });
    const bad = spoil(plain, 1, (row) => row % 4 === 0, 0.4);
    const [worse, better] = breakdownOf(
      sliceOf(
        sliceOf(bad, 'bad', (row) => row % 4 === 0),
        'rest',
        (row) => row % 4 !== 0,
      ),
    ).slices;
    expect(worse).toMatchObject({ name: 'bad', verdict: 'worse' });
    expect(better).toMatchObject({ name: 'rest', verdict: 'better' });
    expect(worse?.adjustedPValue).toBeGreaterThanOrEqual(worse?.pValue as number);
  });

  test('is better where less of the metric is better and the variant has less of it', () => {
    const plain = experiment({
      seed: 5,
      rows: 2000,
      seeds: [1],
      arms: [{ name: 'mlp' }, { name: 'cnn', skill: 3 }],
      plan: { primary: 'log_loss' },
    });
    const [slice] = breakdownOf(sliceOf(plain, 'half', (row) => row % 2 === 0)).slices;
    expect(slice?.difference).toBeLessThan(0);
    expect(slice?.verdict).toBe('better');
  });

  test('of under 100 rows, or of rows of under 10 units, is too small for a test', () => {
    const input = sliceOf(experiment({ seed: 6, rows: 500, seeds: [1] }), 'few', (row) => row < 99);
    expect(breakdownOf(input).slices[0]).toMatchObject({
      rows: 99,
      verdict: 'too-small',
      low: null,
      high: null,
      pValue: null,
      adjustedPValue: null,
    });
    expect(breakdownOf(input).slices[0]?.difference).not.toBeNull();
    const heavy = clustered(
      sliceOf(input, 'one user', (row) => row < 300),
      (row) => (row < 300 ? 0 : row),
    );
    expect(breakdownOf(heavy).slices[1]).toMatchObject({ rows: 300, units: 1, verdict: 'too-small', pValue: null });
  });

  test('on which the metric is undefined has no number, and one whose rows are unknown has no rows', () => {
    const input = experiment({ seed: 7, rows: 600, seeds: [1], classes: 2, plan: { primary: 'auc_ovr' } });
    const oneClass = sliceOf(input, 'one class', (row) => input.labels[row] === 0);
    const unknown = { ...oneClass, plan: { ...oneClass.plan, slices: [...oneClass.plan.slices, { name: 'gone', where: 'x = 1' }] } };
    const [slice, gone] = breakdownOf(unknown).slices;
    expect(slice).toMatchObject({ control: null, variant: null, difference: null, low: null, high: null, pValue: null, verdict: 'open' });
    expect(gone).toMatchObject({ name: 'gone', where: 'x = 1', rows: 0, difference: null, verdict: 'too-small' });
  });
});

test('what does not come from predictions is broken down by accuracy', () => {
  expect(breakdownOf(experiment({ seed: 8, plan: { primary: 'training_seconds' } })).metric).toBe('accuracy');
});

test('there is one breakdown a candidate, and one without runs has no numbers', () => {
  const input = experiment({ seed: 9, arms: [{ name: 'mlp' }, { name: 'cnn' }, { name: 'vit' }], rows: 300 });
  const failed = {
    ...input,
    variants: input.variants.map((variant) => (variant.name === 'vit' ? { ...variant, runs: [run(1, null)] } : variant)),
  };
  const found = analyse(withColumns(failed, 1)).breakdowns;
  expect(found.map(({ variant }) => variant)).toEqual(['cnn', 'vit']);
  expect(found[1]).toMatchObject({
    weakSlices: { tried: 0, found: [] },
    dependence: null,
    reversals: [],
    calibration: { variant: [] },
    confusion: { cells: [], differing: 0 },
    classes: [],
  });
});

describe('identical arms', () => {
  test.each([[[1]], [[1, 2, 3, 4, 5]]])('differ nowhere, with seeds %j', (seeds) => {
    const plain = clustered(
      withColumns(
        sliceOf(experiment({ seed: 10, rows: 1500, seeds }), 'half', (row) => row % 2 === 0),
        2,
      ),
      (row) => row,
    );
    const [control, variant] = plain.variants as [AnalysisInput['variants'][number], AnalysisInput['variants'][number]];
    const found = breakdownOf({ ...plain, variants: [control, { ...variant, runs: control.runs }] });
    expect(found.slices[0]).toMatchObject({ difference: 0, pValue: 1, verdict: 'open' });
    expect(found.weakSlices?.found.map(({ verdict }) => verdict).filter((verdict) => verdict !== 'open')).toEqual([]);
    expect(found.dependence).toMatchObject({ all: { difference: 0 }, without: { difference: 0 }, changes: false });
    expect(found.reversals).toEqual([]);
    expect(found.confusion).toEqual({ cells: [], differing: 0 });
    for (const entry of found.classes) expect(entry).toMatchObject({ f1: { difference: 0 }, pValue: 1, adjustedPValue: 1 });
    expect(found.calibration.control).toEqual(found.calibration.variant);
  });
});

describe('dependence on few units', () => {
  test('is seen where one heavy user carries the gain', () => {
    const plain = experiment({ seed: 11, rows: 3000, seeds: [1], arms: [{ name: 'mlp' }, { name: 'cnn' }] });
    const users = clustered(plain, (row) => (row < 900 ? 10_000 + Math.floor(row / 450) : row % 200));
    const found = breakdownOf(spoil(users, 0, (row) => row < 900, 0.5)).dependence;
    expect(found).toMatchObject({ leftOut: 2, of: 202 });
    expect(found?.units.slice(0, 2).map(({ rows }) => rows)).toEqual([450, 450]);
    expect(found?.units[0]?.part).toBeGreaterThan(0.03);
    expect(found?.all.difference).toBeGreaterThan(0.05);
    expect(Math.abs(found?.without.difference as number)).toBeLessThan(0.03);
  });

  test('gives the parts in the unit of the metric: together they are the difference', () => {
    const input = clustered(
      experiment({ seed: 12, rows: 100, seeds: [1, 2], arms: [{ name: 'mlp' }, { name: 'cnn', skill: 1 }] }),
      (row) => row,
    );
    const found = breakdownOf(input).dependence;
    expect(found).toMatchObject({ leftOut: 1, of: 100 });
    expect(found?.units).toHaveLength(10);
    const { a, b } = hitsOf(input, 0);
    const second = hitsOf(input, 1);
    for (const { id, rows, part } of found?.units ?? []) {
      const row = input.ids.indexOf(id);
      const gap = ((b[row] as number) - (a[row] as number) + (second.b[row] as number) - (second.a[row] as number)) / 2;
      expect(part).toBeCloseTo(gap / 100, 12);
      expect(rows).toBe(1);
    }
  });

  test('changes nothing in a claim that many rows carry', () => {
    const found = breakdownOf(
      clustered(experiment({ seed: 13, rows: 3000, seeds: [1], arms: [{ name: 'mlp' }, { name: 'cnn', skill: 1.5 }] }), (row) => row),
    ).dependence;
    expect(found?.all.low).toBeGreaterThan(0);
    expect(found?.without.low).toBeGreaterThan(0);
    expect(found?.changes).toBe(false);
  });

  test('is not asked where each row is a unit, since right or wrong counts alike in all of them', () => {
    expect(breakdownOf(experiment({ seed: 14, rows: 500, seeds: [1] })).dependence).toBeNull();
  });

  test('is not asked under 100 units', () => {
    const few = clustered(experiment({ seed: 14, rows: 500, seeds: [1] }), (row) => row % 99);
    expect(breakdownOf(few).dependence).toBeNull();
  });
});

describe('reversals', () => {
  /** Of two sites; macro F1 is higher over all rows and lower in each site. */
  const simpson = (): AnalysisInput =>
    fromCounts([
      { site: 'north', label: 1, rows: 217, rightA: 177, rightB: 11 },
      { site: 'north', label: 0, rows: 183, rightA: 28, rightB: 153 },
      { site: 'south', label: 1, rows: 360, rightA: 296, rightB: 357 },
      { site: 'south', label: 0, rows: 40, rightA: 20, rightB: 1 },
    ]);

  test('are found where macro F1 is higher over all and lower in every part', () => {
    const found = breakdownOf(simpson()).reversals.find(({ by }) => by === 'site');
    expect(found).toMatchObject({
      kind: 'reversal',
      parts: [
        { name: 'north', rows: 400 },
        { name: 'south', rows: 400 },
      ],
    });
    expect(found?.whole).toBeCloseTo(0.112, 2);
    expect(found?.parts.every(({ difference }) => (difference as number) < -0.1)).toBe(true);
    expect(found?.sentence).toBe('Over all rows cnn is better than mlp by 11.2 pp macro F1, yet it is worse for every value of site.');
  });

  test('turn with the arms', () => {
    const found = breakdownOf(swapped(simpson())).reversals.find(({ by }) => by === 'site');
    expect(found?.sentence).toBe('Over all rows mlp is worse than cnn by 11.2 pp macro F1, yet it is better for every value of site.');
  });

  test('are mixed where accuracy is shown to fall in a part of a whole in which it rises', () => {
    const plain = withColumns(experiment({ seed: 15, rows: 3000, seeds: [1], arms: [{ name: 'mlp' }, { name: 'cnn', skill: 2 }] }), 3);
    const country = (plain.columns?.find(({ name }) => name === 'country')?.values ?? []) as string[];
    const input = sliceOf(
      spoil(plain, 1, (row) => country[row] === 'x', 0.6),
      'abroad',
      (row) => country[row] === 'x',
    );
    const found = breakdownOf(input).reversals;
    expect(found.map(({ by, kind }) => `${by} ${kind}`)).toEqual(['abroad mixed', 'country mixed']);
    const part = found[1]?.parts.find(({ name }) => name === 'x');
    expect(part?.high).toBeLessThan(0);
    expect(found[1]?.sentence).toMatch(
      /^Over all rows cnn is better than mlp by \d+\.\d pp accuracy, but it is worse where country is x \(\d+(\.\d)? pp accuracy\)\.$/,
    );
    expect(found[0]?.parts.map(({ name }) => name)).toEqual(['abroad', 'not abroad']);
  });

  test('are looked for by class as well', () => {
    const plain = experiment({ seed: 16, rows: 3000, seeds: [1], arms: [{ name: 'mlp' }, { name: 'cnn', skill: 2 }] });
    const found = breakdownOf(spoil(plain, 1, (row) => plain.labels[row] === 2, 0.3)).reversals;
    expect(found).toMatchObject([{ by: 'class', kind: 'mixed' }]);
    expect(found[0]?.sentence).toMatch(/worse in class class 2 \(/);
  });
});

describe('by score and class', () => {
  test('calibration bins hold every row once and add up to the calibration error', () => {
    const input = experiment({ seed: 17, rows: 500, seeds: [1], arms });
    const { control, variant } = breakdownOf(input).calibration;
    for (const [arm, bins] of [control, variant].entries()) {
      expect(bins.reduce((sum, { rows }) => sum + rows, 0)).toBe(500);
      const error = bins.reduce((sum, { rows, accuracy, confidence }) => sum + (rows / 500) * Math.abs(accuracy - confidence), 0);
      expect(error).toBeCloseTo(expectedCalibrationError(input.labels, input.variants[arm]?.runs[0]?.scores as Float64Array) as number, 12);
      for (const bin of bins) {
        expect(bin.confidence).toBeGreaterThan(bin.from);
        expect(bin.confidence).toBeLessThanOrEqual(bin.to);
        expect(bin.low).toBeLessThanOrEqual(bin.accuracy);
        expect(bin.high).toBeGreaterThanOrEqual(bin.accuracy);
      }
    }
  });

  test('calibration pools seeds: three times the same run gives the same bins and bounds', () => {
    const input = experiment({ seed: 18, rows: 400, seeds: [1] });
    const thrice = {
      ...input,
      plan: planOf({ seeds: [1, 2, 3] }),
      variants: input.variants.map((variant) => ({
        ...variant,
        runs: [1, 2, 3].map((seed) => run(seed, variant.runs[0]?.scores as Float64Array)),
      })),
    };
    const [once, pooled] = [breakdownOf(input).calibration.control, breakdownOf(thrice).calibration.control];
    expect(pooled).toHaveLength(once.length);
    pooled.forEach((bin, i) => {
      for (const key of ['rows', 'confidence', 'accuracy', 'low', 'high'] as const)
        expect(bin[key]).toBeCloseTo(once[i]?.[key] as number, 12);
    });
  });

  test('confusion shows the cells that differ, the largest first, as rows averaged over seeds', () => {
    const input = spoil(experiment({ seed: 19, rows: 600, seeds: [1, 2] }), 1, (row) => row % 10 === 0, 1);
    const { cells, differing } = breakdownOf(input).confusion;
    expect(cells).toHaveLength(differing);
    const gaps = cells.map(({ control, variant }) => Math.abs(variant - control));
    expect(gaps).toEqual(gaps.toSorted((x, y) => y - x));
    const right = cells.filter(({ label, prediction }) => label === prediction);
    const hits = [hitsOf(input, 0).a, hitsOf(input, 1).a];
    for (const { label, control } of right) {
      const c = input.classes.indexOf(label);
      const counted = hits.map((right) => rowsOf(input, (row) => input.labels[row] === c && right[row] === 1).length);
      expect(control).toBe(((counted[0] as number) + (counted[1] as number)) / 2);
    }
    expect(cells.reduce((sum, { control, variant }) => sum + variant - control, 0)).toBeCloseTo(0, 9);
  });

  test('classes have the precision, recall and F1 of each arm, and a class that was spoilt is found by its adjusted p', () => {
    const input = experiment({ seed: 20, rows: 1500, classes: 4 });
    const bad = spoil(input, 1, (row) => input.labels[row] === 1, 0.4);
    const { classes } = breakdownOf(bad);
    const tables = bad.variants.map((variant) =>
      variant.runs.map(({ scores }) => perClass(bad.labels, topOf(scores as Float64Array, 4), { classes: 4 })),
    );
    classes.forEach((entry, c) => {
      const average = (arm: number, key: 'precision' | 'recall' | 'fBeta'): number =>
        (tables[arm] ?? []).reduce((sum, table) => sum + (table[c]?.[key] as number) / 5, 0);
      expect(entry.rows).toBe(bad.labels.filter((label) => label === c).length);
      expect(entry.precision.control).toBeCloseTo(average(0, 'precision'), 12);
      expect(entry.recall.variant).toBeCloseTo(average(1, 'recall'), 12);
      expect(entry.f1.difference).toBeCloseTo(average(1, 'fBeta') - average(0, 'fBeta'), 12);
    });
    expect(classes[1]?.adjustedPValue).toBeLessThan(0.01);
    expect(classes[1]?.recall.high).toBeLessThan(0);
  });

  test('recall of a class has the interval of accuracy on its rows', () => {
    const input = experiment({ seed: 21, rows: 900, seeds: [1, 2], arms });
    const { classes } = breakdownOf(input);
    const [slice] = breakdownOf(sliceOf(input, 'class 0', (row) => input.labels[row] === 0)).slices;
    expect(classes[0]?.recall.difference).toBeCloseTo(slice?.difference as number, 12);
    expect(Math.abs((classes[0]?.recall.low as number) - (slice?.low as number))).toBeLessThan(0.002);
  });

  test('a class of under 100 rows has no test, and one never predicted has no precision', () => {
    const input = fromCounts([
      { site: 'north', label: 1, rows: 60, rightA: 40, rightB: 0 },
      { site: 'north', label: 0, rows: 400, rightA: 390, rightB: 400 },
    ]);
    const [, rare] = breakdownOf(input).classes;
    expect(rare).toMatchObject({
      rows: 60,
      pValue: null,
      adjustedPValue: null,
      precision: { variant: null, difference: null, low: null },
      recall: { variant: 0, low: null, high: null },
      f1: { variant: 0 },
    });
  });
});

describe('symmetries', () => {
  const metrics: BootstrapMetric[] = ['accuracy', 'f1_macro', 'auc_ovr', 'log_loss'];
  const full = (primary: string, seeds: number[]): AnalysisInput => {
    const plain = withColumns(experiment({ seed: 22, rows: 1200, seeds, arms, plan: { primary } }), 4);
    return clustered(
      sliceOf(plain, 'half', (row) => row % 2 === 0),
      (row) => Math.floor(row / 3),
    );
  };

  test.each(metrics)('the order of rows and the names of units change no bit of %s', (metric) => {
    for (const seeds of [[1], [1, 2, 3, 4, 5]]) {
      const input = full(metric, seeds);
      const renamed = { ...input, units: (input.units as Int32Array).map((unit) => 90_000 - 7 * unit) };
      expect(breakdownOf(reordered(renamed))).toEqual(breakdownOf(input));
    }
  });

  test.each(metrics)('swapping the arms turns the signs of %s', (metric) => {
    const input = full(metric, [1, 2]);
    const [forth, back] = [breakdownOf(input), breakdownOf(swapped(input))];
    expect(back.weakSlices?.found.map(({ where }) => where).toSorted()).toEqual(
      forth.weakSlices?.found.map(({ where }) => where).toSorted(),
    );
    const all = (found: Breakdown): { difference: number | null; low: number | null; high: number | null; key: string }[] => [
      ...found.slices.map((slice) => ({ ...slice, key: slice.where })),
      ...(found.weakSlices?.found ?? []).map((slice) => ({ ...slice, key: slice.where })).toSorted((x, y) => (x.key < y.key ? -1 : 1)),
      ...found.classes.map((entry) => ({ ...entry.f1, key: entry.class })),
      ...(found.dependence === null ? [] : [{ ...found.dependence.without, key: 'without' }]),
    ];
    const mirror = all(back);
    expect(mirror.length).toBeGreaterThan(5);
    all(forth).forEach(({ difference, low, high, key }, i) => {
      expect(mirror[i]?.key).toBe(key);
      expect(mirror[i]?.difference).toBeCloseTo(-(difference as number), 12);
      expect(mirror[i]?.low).toBeCloseTo(-(high as number), 10);
      expect(mirror[i]?.high).toBeCloseTo(-(low as number), 10);
    });
    expect(back.calibration).toEqual({ control: forth.calibration.variant, variant: forth.calibration.control });
  });
});

function breakdownOf(input: AnalysisInput): Breakdown {
  return analyse(input).breakdowns[0] as Breakdown;
}

function topOf(scores: Float64Array, classes: number): Int32Array {
  return Int32Array.from({ length: scores.length / classes }, (_, row) => {
    const own = scores.subarray(row * classes, row * classes + classes);
    return own.indexOf(Math.max(...own));
  });
}

function hitsOf(input: AnalysisInput, seed: number): { a: Int32Array; b: Int32Array } {
  const [a, b] = input.variants.map(({ runs }) =>
    topOf(runs[seed]?.scores as Float64Array, input.classes.length).map((top, row) => (top === input.labels[row] ? 1 : 0)),
  );
  return { a: a as Int32Array, b: b as Int32Array };
}

function rowsOf(input: AnalysisInput, where: (row: number) => boolean): number[] {
  return input.ids.map((_, row) => row).filter(where);
}

/** Two classes, one run an arm, so many rows right. */
function fromCounts(groups: { site: string; label: 0 | 1; rows: number; rightA: number; rightB: number }[]): AnalysisInput {
  const rows = groups.flatMap(({ site, label, rows: count, rightA, rightB }) =>
    Array.from({ length: count }, (_, i) => ({ site, label, a: i < rightA ? label : 1 - label, b: i < rightB ? label : 1 - label })),
  );
  const scores = (side: 'a' | 'b'): Float64Array => Float64Array.from(rows.flatMap((row) => (row[side] === 1 ? [0.2, 0.8] : [0.8, 0.2])));
  return {
    plan: planOf({ seeds: [1], primary: 'f1_macro' }),
    classes: ['no', 'yes'],
    ids: rows.map((_, row) => `row-${row}`),
    labels: Int32Array.from(rows, ({ label }) => label),
    units: null,
    variants: [
      { name: 'mlp', control: true, params: {}, runs: [run(1, scores('a'))] },
      { name: 'cnn', control: false, params: {}, runs: [run(1, scores('b'))] },
    ],
    latency: null,
    dataChecks: [],
    columns: [{ name: 'site', kind: 'category', values: rows.map(({ site }) => site) }],
  };
}
