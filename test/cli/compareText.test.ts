// Proves: what `assay compare` prints fits a terminal, says what was found in the rows in few lines, and shows nothing of a file that moves the cursor.
import { compareText } from '../../src/cli/compare/text';
import type { CompareResult } from '../../src/cli/compare/compare';
import type { Breakdown, Comparison, SliceDifference } from '../../src/contract';
import { planOf } from '../analysis/simulate';

const text = (changes: Partial<CompareResult> = {}): string => compareText({ ...result(), ...changes });

describe('the table', () => {
  test('stands in 100 columns, with long names cut in the middle', () => {
    const long = 'a-very-long-name-of-a-model-trained-on-monday';
    const [control, candidate] = result().variants;
    const printed = text({ variants: [control!, { ...candidate!, name: long }], comparisons: [comparison({ variant: long })] });
    const head = printed.split('\n').find((line) => line.startsWith('metric')) ?? '';
    expect(head).toMatch(/ a-very-l…-monday /);
    for (const line of printed.split('\n').slice(1, 5)) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('marks the primary and the guardrails, and names a confidence that is not that of the heading', () => {
    const printed = text({
      comparisons: [
        comparison({ confidence: 0.975 }),
        comparison({ metric: 'log_loss', role: 'guardrail', low: null, high: null, pValue: null }),
      ],
    });
    expect(printed).toMatch(/^accuracy \* .* \+0\.0100 to \+0\.0300 \(97\.5 %\) +0\.0120$/m);
    expect(printed).toMatch(/^log loss ! .* - +-$/m);
  });
});

test('a note on one of several candidates is said with its name, one on all of them once', () => {
  const of = (variant: string, own: string): Comparison => comparison({ variant, notes: [`p of ${own}.`, 'Rows are resampled.'] });
  const printed = text({ comparisons: [of('b', 'one'), of('c', 'two')] });
  expect(printed.split('\n').filter((line) => line.startsWith('- '))).toEqual([
    '- b: p of one.',
    '- Rows are resampled.',
    '- c: p of two.',
  ]);
});

test('control characters of a name are shown as question marks', () => {
  const printed = text({ notes: ['evil\u001b[2Jname'], verdict: { ...result().verdict, sentence: 'b\u0007 is better' } });
  expect(printed).toContain('evil?[2Jname');
  expect(printed).toContain('b? is better');
});

describe('where it differs', () => {
  test('says nothing where nothing is known', () => {
    expect(text({ breakdowns: [] })).not.toMatch(/Where it differs/);
  });

  test('lists slices with their verdict, the weak ones found, and how many conditions were tried', () => {
    const printed = text({
      breakdowns: [
        breakdown({
          slices: [
            slice({ name: 'night', verdict: 'worse' }),
            slice({ name: 'rare', rows: 12, low: null, high: null, adjustedPValue: null, verdict: 'too-small' }),
          ],
          weakSlices: {
            ...{ columns: ['hour', 'site'], searched: 500, tested: 500, tried: 80, falseDiscoveryRate: 0.1 },
            found: [slice({ name: 'site = south', verdict: 'better' }), slice({ name: 'hour < 3', verdict: 'open' })],
          },
        }),
      ],
    });
    expect(printed).toMatch(/^Where it differs \(to look at, not to decide on\)$/m);
    expect(printed).toMatch(/^ {2}slice \(accuracy\) +rows +difference +interval +adjusted p$/m);
    expect(printed).toMatch(/^ {2}night +200 +-0\.0500 +-0\.0900 to -0\.0100 +0\.0300 +worse$/m);
    expect(printed).toMatch(/^ {2}rare +12 +-0\.0500 +- +- +too small$/m);
    expect(printed).toMatch(/^ {2}site = south .* better$/m);
    expect(printed).not.toMatch(/hour < 3/);
    expect(printed).toMatch(/of 80 conditions on 2 columns, measured on 500 rows that were not searched; false discoveries up to 10 %/);
  });

  test('says that a search found nothing', () => {
    const weakSlices = { columns: ['hour'], searched: 500, tested: 500, tried: 8, falseDiscoveryRate: 0.1, found: [] };
    expect(text({ breakdowns: [breakdown({ weakSlices })] })).toMatch(/Of 8 conditions on 1 column none is shown to differ/);
  });

  test('warns of a difference that hangs on few units, and of parts that tell another story', () => {
    const sides = { control: 0.8, variant: 0.82 };
    const dependence = {
      ...{ leftOut: 3, of: 300, changes: true, units: [] },
      all: { ...sides, difference: 0.02, low: 0.01, high: 0.03 },
      without: { ...sides, difference: 0.005, low: -0.002, high: 0.012 },
    };
    const reversal = {
      by: 'site',
      kind: 'reversal' as const,
      whole: 0.02,
      parts: [],
      sentence: 'b is better overall and worse in each site.',
    };
    const plan = planOf({ seeds: [1], unit: 'user' });
    const printed = text({ plan, breakdowns: [breakdown({ dependence, reversals: [reversal] })] });
    expect(printed).toMatch(
      /without the 3 of 300 that speak most for it, the difference in accuracy is \+0\.0050 \(-0\.0020 to \+0\.0120\) instead of \+0\.0200/,
    );
    expect(printed).toMatch(/^! b is better overall and worse in each site\.$/m);
    const holds = { ...dependence, changes: false };
    expect(text({ plan, breakdowns: [breakdown({ dependence: holds })] })).not.toMatch(/hangs on few/);
    expect(text({ breakdowns: [breakdown({ dependence })] })).not.toMatch(/hangs on few/);
  });

  test('shows the three largest differences of classes and the mistakes that changed most', () => {
    const of = (difference: number): Breakdown['classes'][number]['f1'] => ({
      control: 0.5,
      variant: 0.5 + difference,
      difference,
      low: null,
      high: null,
    });
    const classes = [0.01, -0.2, 0, 0.1, 0.05].map((difference, i) => ({
      ...{ class: `c${i}`, rows: 120, precision: of(0), recall: of(0), f1: of(difference), pValue: null, adjustedPValue: null },
    }));
    const cells = [
      { label: 'c0', prediction: 'c0', control: 50, variant: 90 },
      { label: 'c0', prediction: 'c1', control: 40.25, variant: 3 },
    ];
    const printed = text({ breakdowns: [breakdown({ classes, confusion: { cells, differing: 2 } })] });
    expect([...printed.matchAll(/^ {2}class (\w+): F1/gm)].map(([, name]) => name)).toEqual(['c1', 'c3', 'c4']);
    expect(printed).toMatch(/^ {2}class c1: F1 0\.5000 -> 0\.3000 \(-0\.2000, -; 120 rows\)$/m);
    expect(printed).toMatch(/^ {2}c0 taken for c1: 40\.3 -> 3 rows$/m);
    expect(printed).not.toMatch(/c0 taken for c0/);
  });

  test('names the candidate where there are several', () => {
    const [control, candidate] = result().variants;
    const variants = [control!, candidate!, { ...candidate!, name: 'c' }];
    const breakdowns = ['b', 'c'].map((variant) => breakdown({ variant, slices: [slice({})] }));
    expect(text({ variants, breakdowns })).toMatch(/Where b differs[\s\S]*Where c differs/);
  });
});

function result(): CompareResult {
  const arm = (name: string, control: boolean, estimate: number): CompareResult['variants'][number] => ({
    ...{ name, control, params: {}, perClass: [], latency: null, runs: [] },
    metrics: { accuracy: { estimate, low: null, high: null, method: 'wilson' } },
  });
  return {
    schema: 'assay.compare/1',
    plan: planOf({ seeds: [1] }),
    rows: 300,
    classes: ['c0', 'c1'],
    inputs: [],
    pairedBy: 'id',
    look: null,
    notes: [],
    variants: [arm('a', true, 0.8), arm('b', false, 0.82)],
    comparisons: [comparison({})],
    breakdowns: [],
    checks: [],
    verdict: { outcome: 'adopt', harm: false, variant: 'b', sentence: 'b is better than a; adopt', reasons: [] },
  };
}

function comparison(changes: Partial<Comparison>): Comparison {
  return {
    ...{ control: 'a', variant: 'b', metric: 'accuracy', difference: 0.02, low: 0.01, high: 0.03, confidence: 0.95, claim: 'artifact' },
    ...{
      method: 'bca',
      resamples: 20_000,
      pValue: 0.012,
      adjustedPValue: null,
      probabilityOfImprovement: null,
      posteriorProbabilityBetter: null,
    },
    ...{ detectableDifference: null, ratio: null, role: 'primary', n: 300, notes: [] },
    ...changes,
  };
}

function breakdown(changes: Partial<Breakdown>): Breakdown {
  return {
    ...{ control: 'a', variant: 'b', metric: 'accuracy', slices: [], weakSlices: null, dependence: null, reversals: [] },
    ...{ calibration: { control: [], variant: [] }, confusion: { cells: [], differing: 0 }, classes: [] },
    ...changes,
  };
}

function slice(changes: Partial<SliceDifference>): SliceDifference {
  return {
    ...{ name: 'night', where: 'hour < 6', rows: 200, units: 200, control: 0.8, variant: 0.75, difference: -0.05, low: -0.09, high: -0.01 },
    ...{ pValue: 0.01, adjustedPValue: 0.03, verdict: 'worse' },
    ...changes,
  };
}
