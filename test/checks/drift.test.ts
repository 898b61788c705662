import { driftCheck, driftFindings, driftReport, sideOfTable } from '../../src/checks';
import type { ColumnProfile, DriftFinding } from '../../src/contract';
import { profileCategories, profileNumbers, profilePredictions } from '../../src/data/profile';
import { Draw } from './simulate';

const side = (columns: ColumnProfile[], classes?: Record<string, number>) => ({
  rows: columns[0] === undefined ? 0 : columns[0].count + columns[0].missing,
  columns,
  ...(classes === undefined ? {} : { classes }),
});
const numbers = (values: ArrayLike<number>, name = 'x') => profileNumbers(name, Float64Array.from(values));
const words = (counts: Record<string, number>, name = 'k') =>
  profileCategories(
    name,
    Object.entries(counts).flatMap(([value, count]) => new Array<string>(count).fill(value)),
  );
const limits = { alpha: 0.01, minEffect: 0.05 };
const only = (found: DriftFinding[], what: DriftFinding['what']) => found.filter((finding) => finding.what === what);
const spread = (count: number, shift = 0) => Array.from({ length: count }, (_, i) => (i + 0.5) / count + shift);

/** Largest number of alarms that 2,000 comparisons at this level have with probability 0.9995. */
const most = (alpha: number, comparisons: number) => alpha * comparisons + 3.29 * Math.sqrt(comparisons * alpha * (1 - alpha));
const least = (alpha: number, comparisons: number) => alpha * comparisons - 3.29 * Math.sqrt(comparisons * alpha * (1 - alpha));

describe('false alarms', () => {
  const comparisons = 2000;
  const alpha = 0.05;
  const alarms = (columns: (rows: number) => ColumnProfile[], sizes: [number, number]): number => {
    let found = 0;
    for (let i = 0; i < comparisons; i++) {
      const [before, now] = sizes.map((rows) => ({ rows, columns: columns(rows) })) as [
        { rows: number; columns: ColumnProfile[] },
        { rows: number; columns: ColumnProfile[] },
      ];
      // No least effect: the p values alone must hold the level.
      if (driftFindings(before, now, { alpha, minEffect: 0 }).some(({ alarm }) => alarm)) found++;
    }
    return found;
  };

  test('2,000 comparisons of numbers and categories without change raise as many as alpha says, in total', () => {
    const draw = new Draw(1);
    const found = alarms(
      (rows) => [
        draw.numbers('normal', rows, () => draw.normal()),
        draw.numbers('skewed', rows, () => Math.exp(2 * draw.normal())),
        draw.categories('kind', rows, () => 'abc'[Math.floor(3 * draw.uniform())]!),
      ],
      [400, 300],
    );
    expect(found).toBeLessThan(most(alpha, comparisons));
    expect(found).toBeGreaterThan(least(alpha, comparisons));
  });

  test('ties, missing values, rare categories and sides of unequal size raise no more than alpha', () => {
    const draw = new Draw(2);
    const found = alarms(
      (rows) => [
        draw.numbers('tied', rows, () => Math.floor(-2 * Math.log(1 - draw.uniform()))),
        draw.numbers('missing', rows, () => (draw.uniform() < 0.1 ? Number.NaN : draw.normal())),
        draw.categories('rare', rows, () => `v${Math.floor(300 ** draw.uniform())}`),
      ],
      [600, 150],
    );
    expect(found).toBeLessThan(most(alpha, comparisons));
    expect(found).toBeGreaterThan(0);
  });

  test('rows that come in units raise no more than alpha where the profile knows the units, and far more where it does not', () => {
    const draw = new Draw(3);
    const sides = (noise: boolean, count: number): number => {
      let found = 0;
      for (let i = 0; i < count; i++) {
        const [before, now] = [120, 80].map((units) => side(draw.clustered(units, 10, noise)));
        if (driftFindings(before!, now!, { alpha, minEffect: 0 }).some(({ alarm }) => alarm)) found++;
      }
      return found;
    };
    expect(sides(true, 1000)).toBeLessThan(most(alpha, 1000));
    expect(sides(false, 100)).toBeGreaterThan(30);
  });

  test('a million rows with a difference of no consequence raise none, and a real one is found', () => {
    const draw = new Draw(4);
    const rows = 1_000_000;
    const make = (shift: number) => side([draw.numbers('x', rows, () => draw.normal() + shift)]);
    const before = make(0);
    const [tiny] = driftFindings(before, make(0.01), limits);
    expect(tiny).toMatchObject({ alarm: false });
    expect(tiny?.pValue).toBeLessThan(1e-4);
    expect(driftFindings(before, make(0.2), limits)[0]).toMatchObject({ alarm: true });
  });
});

describe('numbers', () => {
  test('the distance of thinned profiles is that of all values, to the resolution of the sample', () => {
    const draw = new Draw(5);
    const values = (shift: number) => Float64Array.from({ length: 60_000 }, () => Math.round((draw.normal() + shift) * 500) / 500);
    const [x, y] = [values(0), values(0.1)];
    const whole = (a: Float64Array) => ({ ...numbers(a), sample: Array.from(a).sort((p, q) => p - q) });
    const exact = driftFindings(side([whole(x)]), side([whole(y)]), limits)[0]!;
    const stored = driftFindings(side([numbers(x)]), side([numbers(y)]), limits)[0]!;
    expect(numbers(x).sample).toHaveLength(10_000);
    expect(stored.effect.value).toBeLessThanOrEqual(exact.effect.value);
    expect(stored.effect.value).toBeGreaterThan(exact.effect.value - 2.1e-4);
    expect(stored.sizes['wasserstein']).toBeCloseTo(exact.sizes['wasserstein']!, 3);
  });
  test('a finding says what moved, by how much, where, and shows the shares of both sides', () => {
    const before = side([numbers(spread(1000))]);
    const now = side([numbers(spread(800).map((value) => (value > 0.9 ? value - 0.4 : value)))]);
    const [found] = driftFindings(before, now, limits);
    expect(found).toMatchObject({
      column: 'x',
      what: 'distribution',
      test: 'ks',
      alarm: true,
      effect: { name: 'ks-distance', bound: 0.05 },
      where: { segment: expect.stringMatching(/^(between 0.5|from 0.9)/), rows: [] },
      since: null,
    });
    expect(found?.effect.value).toBeCloseTo(0.1, 2);
    expect(found?.detail).toMatch(/^"x" is spread otherwise in the current data: Kolmogorov-Smirnov distance 0\.\d{3}\./);
    expect(found?.mend).toContain('"x"');
    const { reference, current, edges } = found!.picture!;
    expect(edges).toHaveLength(reference.length + 1);
    expect(reference.length).toBeLessThanOrEqual(20);
    for (const shares of [reference, current]) expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
    expect(Object.keys(found!.sizes).sort()).toEqual(['jensen-shannon', 'psi', 'wasserstein']);
  });
  test('few distinct values are shown by value', () => {
    const [found] = driftFindings(
      side([numbers([...new Array<number>(50).fill(0), ...new Array<number>(50).fill(1)])]),
      side([numbers([...new Array<number>(10).fill(0), ...new Array<number>(90).fill(1)])]),
      limits,
    );
    expect(found?.picture).toMatchObject({ labels: ['0', '1'], edges: null, reference: [0.5, 0.5], current: [0.1, 0.9] });
    expect(found?.where?.segment).toMatch(/^at [01]$/);
  });
  test('a column that turns constant, and one that was, are found without a division by zero', () => {
    const [found] = driftFindings(side([numbers(new Array<number>(200).fill(3))]), side([numbers(spread(200))]), limits);
    expect(found).toMatchObject({ alarm: true, effect: { value: 1 } });
    for (const value of Object.values(found!.sizes)) expect(Number.isFinite(value)).toBe(true);
  });
  test('times are compared as numbers and told as times', () => {
    const day = 86_400_000;
    const days = (from: number) =>
      profileNumbers(
        'when',
        Float64Array.from({ length: 200 }, (_, i) => (from + i) * day),
        'time',
      );
    const [found] = driftFindings(side([days(0)]), side([days(150)]), limits);
    expect(found).toMatchObject({ alarm: true, test: 'ks' });
    expect(found?.where?.segment).toMatch(/^from 1970-0\d-\d\d on$/);
  });
});

describe('categories', () => {
  test('another mix of values is found, and the value that moved most is named', () => {
    const found = driftFindings(
      side([words({ red: 300, blue: 100, green: 100 })]),
      side([words({ red: 100, blue: 200, green: 100 })]),
      limits,
    );
    expect(found[0]).toMatchObject({
      what: 'distribution',
      test: 'chi-square',
      alarm: true,
      where: { segment: '"red"', share: { reference: 0.6, current: 0.25 } },
      picture: { labels: ['red', 'blue', 'green'] },
    });
  });
  test('a value that the reference never has is an alarm of its own where it is common, and none where it is rare', () => {
    const before = words({ a: 500, b: 500 });
    const common = only(driftFindings(side([before]), side([words({ a: 200, b: 200, c: 60 })]), limits), 'new-category');
    expect(common).toMatchObject([{ alarm: true, where: { segment: '"c"', share: { reference: 0, current: 60 / 460 } } }]);
    const rare = only(driftFindings(side([before]), side([words({ a: 200, b: 200, c: 1 })]), limits), 'new-category');
    expect(rare).toMatchObject([{ alarm: false }]);
  });
  test('ids of which every one is new are as new as the reference makes them expected', () => {
    const ids = (from: number, count: number) => words(Object.fromEntries(Array.from({ length: count }, (_, i) => [`id ${from + i}`, 1])));
    const found = driftFindings(side([ids(0, 400)]), side([ids(400, 400)]), limits);
    expect(only(found, 'new-category')).toMatchObject([{ alarm: false, effect: { value: 1 } }]);
    const repeated = words(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`id ${i}`, 4])));
    expect(only(driftFindings(side([repeated]), side([ids(400, 400)]), limits), 'new-category')).toMatchObject([{ alarm: true }]);
  });
  test('rare values are pooled, so that many of them do not make an alarm', () => {
    const rare = (prefix: string) => Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`${prefix}${i}`, 1]));
    const found = driftFindings(side([words({ a: 100, ...rare('p') })]), side([words({ a: 100, ...rare('q') })]), limits);
    expect(only(found, 'distribution')).toMatchObject([{ effect: { value: 0 }, alarm: false }]);
  });
  test('a value that one side may hold among its uncounted rest is no new one', () => {
    const before = { ...words({ a: 600 }), count: 1000, distinct: 1500, otherCount: 400 };
    const found = driftFindings(side([before]), side([words({ a: 600, z: 400 })]), limits);
    expect(found.filter(({ alarm }) => alarm)).toEqual([]);
  });
  test('a value named like a built-in property is only a name', () => {
    const found = driftFindings(side([words({ constructor: 60, b: 40 })]), side([words({ a: 60, b: 40 })]), limits);
    expect(only(found, 'distribution')[0]?.effect.value).toBeGreaterThan(0.5);
  });
});

describe('missing values, columns, classes and predictions', () => {
  test('values that go missing are an alarm beside the distribution', () => {
    const values = spread(500);
    const holes = values.map((value, i) => (i % 5 === 0 ? Number.NaN : value));
    const found = driftFindings(side([numbers(values)]), side([numbers(holes)]), limits);
    expect(found.map(({ what, alarm }) => [what, alarm])).toEqual([
      ['missing', true],
      ['distribution', false],
    ]);
    expect(found[0]?.detail).toBe('"x" has no value in 20 % of the rows of the current data, in 0 % in the reference.');
  });
  test('columns added, removed and of another kind are alarms; a column without values has no kind', () => {
    const before = side([numbers(spread(100), 'a'), numbers(spread(100), 'b'), numbers(spread(100), 'c')]);
    const now = side([words({ x: 100 }, 'b'), numbers(spread(100), 'd'), profileCategories('c', new Array<null>(100).fill(null))]);
    const found = driftFindings(before, now, limits);
    expect(only(found, 'schema').map(({ column, alarm }) => [column, alarm])).toEqual([
      ['a', true],
      ['b', true],
      ['d', true],
    ]);
    expect(only(found, 'missing')).toMatchObject([{ column: 'c', alarm: true }]);
  });
  test('classes that become rarer are label drift', () => {
    const x = numbers(spread(1000));
    const found = driftFindings(side([x], { cat: 500, dog: 500 }), side([x], { cat: 800, dog: 200 }), limits);
    expect(found[0]).toMatchObject({ column: 'label', what: 'label', alarm: true, where: { segment: '"cat"' } });
  });
  test('the label of a table becomes its classes, whole numbers too, and id and unit are left out', () => {
    const table = {
      schema: 'assay.table-profile/1' as const,
      rows: 4,
      columns: [words({ u: 4 }, 'user'), numbers([0, 1, 1, 1], 'digit'), words({ a: 1, b: 1, c: 1, d: 1 }, 'id'), numbers(spread(4))],
    };
    const made = sideOfTable(table, { label: 'digit', id: 'id', unit: 'user' });
    expect(made.classes).toEqual({ 0: 1, 1: 3 });
    expect(made.columns.map(({ name }) => name)).toEqual(['x']);
  });
  test('scores that sink are prediction drift', () => {
    const predicted = (skill: number) => {
      const scores = Float64Array.from({ length: 600 }, (_, i) =>
        i % 2 === 0 ? 1 - skill * ((i % 100) / 100) : skill * ((i % 100) / 100),
      );
      const predictions = Int32Array.from({ length: 300 }, (_, i) => (scores[2 * i + 1]! > 0.5 ? 1 : 0));
      return profilePredictions({ classes: ['no', 'yes'], predictions, scores });
    };
    const found = driftFindings(predicted(1), predicted(0.4), { ...limits, predictions: true });
    expect(found.map(({ column, what, alarm }) => [column, what, alarm])).toEqual([
      ['score of yes', 'prediction', true],
      ['prediction', 'prediction', true],
    ]);
  });
});

describe('all tests of a comparison', () => {
  const columns = (shift: number) => Array.from({ length: 40 }, (_, i) => numbers(spread(100, i === 0 ? shift : 0), `x${i}`));
  test('are weighed together: what is significant alone is no alarm among forty', () => {
    const alone = driftFindings(side(columns(0).slice(0, 1)), side(columns(0.24).slice(0, 1)), limits);
    expect(alone[0]).toMatchObject({ alarm: true });
    const among = driftFindings(side(columns(0)), side(columns(0.24)), limits);
    expect(among.find(({ column }) => column === 'x0')?.pValue).toBeLessThan(0.01);
    expect(among.some(({ alarm }) => alarm)).toBe(false);
  });
  test('make one check, with what to do and at most 20 findings', () => {
    const check = driftCheck(side(columns(0)), side(Array.from({ length: 40 }, (_, i) => numbers(spread(100, 0.5), `x${i}`))));
    expect(check).toMatchObject({ name: 'drift', status: 'warn', gate: false, mend: expect.stringContaining('"x0"') });
    expect(check.detail).toMatch(/^40 of 40 columns differ between the previous snapshot and this one\./);
    expect(check.findings).toHaveLength(20);
    expect(driftCheck(side(columns(0)), side(columns(0)))).toMatchObject({ status: 'pass' });
  });
  test('make a report with one sentence', () => {
    const named = (name: string, shift: number) => ({ name, digest: null, profile: side(columns(shift)) });
    const report = driftReport({ reference: named('May', 0), current: named('June', 0.5), ...limits });
    expect(report).toMatchObject({ schema: 'assay.drift/1', alarms: 1, correction: 'benjamini-hochberg', stream: [] });
    expect(report.sentence).toBe('June is not like May: 1 of 40 columns changed ("x0").');
    expect(driftReport({ reference: named('May', 0), current: named('June', 0), ...limits }).sentence).toBe(
      'June is like May: none of 40 columns changed by an amount that matters.',
    );
  });
});
