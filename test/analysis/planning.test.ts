// Proves: planned rows and seeds give the wanted chance when the experiment is then simulated and analysed for real, and the plan's numbers agree
// with published ones, with the pilot they come from, and with each other.
import {
  analyse,
  measureNoise,
  type AnalysisInput,
  type Outlook,
  type Pilot,
  planExperiment,
  type PlanningInput,
  type Scenario,
} from '../../src/analysis';
import type { RegisteredPlan } from '../../src/contract';
import { makeResult } from '../report/fixture';
import { normal, planOf, uniform } from './simulate';

const artifact = (changes: Partial<RegisteredPlan> = {}): RegisteredPlan =>
  planOf({ seeds: [1], question: 'artifact', resamples: 1000, ...changes });
const algorithm = (seeds: number, changes: Partial<RegisteredPlan> = {}): RegisteredPlan =>
  planOf({ seeds: Array.from({ length: seeds }, (_, i) => i + 1), question: 'algorithm', ...changes });

function planned(plan: RegisteredPlan, rows: number, more: Partial<PlanningInput> = {}): Outlook {
  const test = { rows, units: null, effective: rows, classes: null };
  return planExperiment({ plan, candidates: ['cnn'], test, power: 0.8, difference: null, pilot: null, latency: null, ...more });
}

const at = (outlook: Outlook, discordance: number, seedDeviation: number | null = null): Scenario =>
  outlook.scenarios.find((each) => each.discordance === discordance && each.seedDeviation === seedDeviation) as Scenario;

/** Share of rows: B right where A is wrong under every seed, the other way round, and changing from seed to seed. */
interface World {
  gain: number;
  loss: number;
  churn: number;
  seedDeviation: number;
}

/** An experiment of two classes in a world whose variance is known. */
function drawn(world: World, plan: RegisteredPlan, rows: number, random: () => number): AnalysisInput {
  const labels = Int32Array.from({ length: rows }, () => Math.floor(random() * 2));
  const fate = Float64Array.from({ length: rows }, random);
  const scores = (right: (row: number) => boolean): Float64Array => {
    const values = new Float64Array(rows * 2);
    labels.forEach((label, row) => (values[row * 2 + (right(row) ? label : 1 - label)] = 1));
    return values;
  };
  const pairs = plan.seeds.map((seed) => {
    const tilt = world.seedDeviation * normal(random);
    const gap = Int8Array.from(fate, (u) => {
      if (u < world.gain) return 1;
      if (u < world.gain + world.loss) return -1;
      const draw = random();
      return draw < world.churn / 2 + tilt / 2 ? 1 : draw < world.churn ? -1 : 0;
    });
    const easy = Uint8Array.from({ length: rows }, () => Number(random() < 0.8));
    const run = (sign: 1 | -1) => ({
      seed,
      status: 'done' as const,
      scores: scores((row) => (gap[row] === 0 ? easy[row] === 1 : gap[row] === sign)),
      seconds: null,
      peakMemoryBytes: null,
    });
    return { a: run(-1), b: run(1) };
  });
  return {
    plan,
    classes: ['no', 'yes'],
    ids: Array.from({ length: rows }, (_, row) => `r${row}`),
    labels,
    units: null,
    variants: [
      { name: 'mlp', control: true, params: {}, runs: pairs.map(({ a }) => a) },
      { name: 'cnn', control: false, params: {}, runs: pairs.map(({ b }) => b) },
    ],
    latency: null,
    dataChecks: [],
  };
}

/** Share of simulated experiments with the outcome. */
function simulated(world: World, plan: RegisteredPlan, rows: number, outcome: string): number {
  const random = uniform(rows);
  let seen = 0;
  for (let i = 0; i < times; i++) if (analyse(drawn(world, plan, rows, random)).verdict.outcome === outcome) seen++;
  return seen / times;
}

/** Simulated experiments a case. */
const times = 160;

/** Three standard errors around the wanted 80 %. */
const band = { low: 0.8 - 3 * Math.sqrt(0.16 / times), high: 0.8 + 3 * Math.sqrt(0.16 / times) };

const pilotOf = (predictions: AnalysisInput): Pilot => ({ name: 'pilot', predictions, result: null });

describe('without a pilot', () => {
  test('rows for accuracy are those of Connor, and seeds those of Noether', () => {
    const plan = artifact();
    expect(at(planned(plan, 1000, { difference: { value: 0.01, relative: false } }), 0.1).rowsNeeded).toBe(7847);
    expect(at(planned(plan, 1000, { difference: { value: 0.005, relative: false } }), 0.1).rowsNeeded).toBe(31_394);
    expect(planned(algorithm(5), 1000).noether).toEqual({ probability: 0.75, seeds: 29 });
    expect(planned(plan, 1000).noether).toBeNull();
  });

  test.each([
    ['superiority', artifact()],
    ['superiority beyond a margin', artifact({ margin: 0.01 })],
    ['non-inferiority', artifact({ test: 'non-inferiority', margin: 0.02 })],
    ['equivalence', artifact({ test: 'equivalence', margin: 0.02 })],
    ['the algorithm', algorithm(10)],
    ['several candidates', algorithm(10)],
  ] as const)('at the rows needed the chance is the wanted one, and the difference just detectable: %s', (name, plan) => {
    const candidates = name === 'several candidates' ? ['cnn', 'vit', 'svm'] : ['cnn'];
    const first = at(planned(plan, 500, { candidates }), 0.1, plan.question === 'algorithm' ? 0.005 : null);
    const rows = first.rowsNeeded as number;
    const there = planned(plan, rows, { candidates });
    const settled = at(there, 0.1, plan.question === 'algorithm' ? 0.005 : null);
    expect(settled.chance).toBeGreaterThan(0.799);
    expect(settled.chance).toBeLessThan(0.81);
    expect(settled.detectable).toBeCloseTo(plan.test === 'superiority' ? there.wanted.difference : plan.margin, 3);
    expect(
      at(planned(plan, Math.floor(rows * 0.9), { candidates }), 0.1, plan.question === 'algorithm' ? 0.005 : null).chance,
    ).toBeLessThan(0.8);
    expect(there.warnings).toEqual([]);
  });

  test('where seeds bound what is seen no number of rows alone will do, and it is said', () => {
    const outlook = planned(algorithm(5), 5000);
    const bounded = at(outlook, 0.1, 0.02);
    expect(bounded).toMatchObject({ rowsNeeded: null });
    expect(bounded.seedsNeeded).toBeNull();
    const sharp = planned(algorithm(5, { confidence: 0.999 }), 100_000);
    expect(sharp.warnings.join(' ')).toMatch(
      /inconclusive in \d of 5 cases with discordance 10 %, seed deviation 0.5 pp.* No number of rows alone will do: the seeds bound/,
    );
    expect(at(sharp, 0.1, 0.005).seedsNeeded).toBeGreaterThan(5);
  });

  test('the seeds needed give the wanted chance, and one fewer does not', () => {
    const { seedsNeeded } = at(planned(algorithm(5), 40_000), 0.02, 0.02);
    expect(seedsNeeded).toBeGreaterThan(10);
    expect(at(planned(algorithm(seedsNeeded as number), 40_000), 0.02, 0.02).chance).toBeGreaterThanOrEqual(0.8);
    expect(at(planned(algorithm((seedsNeeded as number) - 1), 40_000), 0.02, 0.02).chance).toBeLessThan(0.8);
  });

  test('rare classes ask for more rows where classes weigh alike', () => {
    const plan = artifact({ primary: 'recall_macro', metrics: ['recall_macro'] });
    const even = planned(plan, 1000, { test: { rows: 1000, units: null, effective: 1000, classes: [500, 500] } });
    const rare = planned(plan, 1000, { test: { rows: 1000, units: null, effective: 1000, classes: [950, 50] } });
    expect((at(rare, 0.1).rowsNeeded as number) / (at(even, 0.1).rowsNeeded as number)).toBeCloseTo((1000 / 4) * (1 / 950 + 1 / 50), 2);
    expect(rare.notes.join(' ')).toMatch(/5\.26 times that of accuracy/);
  });

  test('rows of users count as what they are worth', () => {
    const test = { rows: 1000, units: 100, effective: 100, classes: null };
    const plan = artifact({ unit: 'user' });
    const outlook = planned(plan, 1000, { test });
    expect(at(outlook, 0.1).rowsNeeded).toBe(78_470);
    expect(at(outlook, 0.1).detectable).toBe(at(planned(artifact(), 100), 0.1).detectable);
  });
});

describe('from a pilot', () => {
  const world: World = { gain: 0.075, loss: 0.035, churn: 0.06, seedDeviation: 0.015 };
  const steady = 1 - world.gain - world.loss;

  test('the parts of the variance are those of the world it was drawn from', () => {
    const [found] = measureNoise(pilotOf(drawn(world, algorithm(100), 3000, uniform(3))), 'accuracy', []);
    const rows = world.gain + world.loss - (world.gain - world.loss) ** 2;
    const near = (found: number, truth: number): void => {
      expect(found / truth).toBeGreaterThan(0.8);
      expect(found / truth).toBeLessThan(1.2);
    };
    near(found?.noise.rows ?? 0, rows);
    near(found?.noise.rest ?? 0, world.churn * steady);
    near(Math.sqrt(found?.noise.seeds ?? 0), world.seedDeviation * steady);
    near(found?.discordance ?? 0, world.gain + world.loss + world.churn * steady);
    near(found?.difference ?? 0, world.gain - world.loss);
  });

  test('of the algorithm: the planned rows give the wanted chance in experiments that are then simulated', () => {
    const pilot = pilotOf(drawn(world, algorithm(100), 3000, uniform(3)));
    const plan = algorithm(8);
    const outlook = planned(plan, 500, { pilot, difference: { value: world.gain - world.loss, relative: false } });
    const rows = outlook.scenarios[0]?.rowsNeeded as number;
    expect(rows).toBeGreaterThan(200);
    const seen = simulated(world, plan, rows, 'adopt');
    expect(seen).toBeGreaterThan(band.low);
    expect(seen).toBeLessThan(band.high);
  });

  const rest: World = { gain: 0.06, loss: 0.06, churn: 0, seedDeviation: 0 };
  test.each([
    ['superiority', { gain: 0.075, loss: 0.045, churn: 0, seedDeviation: 0 }, artifact(), 'adopt'],
    ['non-inferiority', rest, artifact({ test: 'non-inferiority', margin: 0.03 }), 'adopt'],
    ['equivalence', rest, artifact({ test: 'equivalence', margin: 0.03 }), 'equivalent'],
  ] as const)(
    'of these models: the planned rows give the wanted chance in experiments that are then simulated: %s',
    (_, truth, plan, outcome) => {
      const pilot = pilotOf(drawn(truth, plan, 20_000, uniform(4)));
      const difference = truth.gain - truth.loss;
      const outlook = planned(plan, 500, { pilot, ...(difference > 0 ? { difference: { value: difference, relative: false } } : {}) });
      const rows = outlook.scenarios[0]?.rowsNeeded as number;
      const seen = simulated(truth, plan, rows, outcome);
      expect(seen).toBeGreaterThan(band.low);
      expect(seen).toBeLessThan(band.high);
    },
  );

  test('rows that are copies of each other under one unit ask for as many times the rows', () => {
    const input = drawn(world, algorithm(6), 400, uniform(5));
    const copies = 4;
    const repeated = (values: ArrayLike<number>, width: number): number[] =>
      input.ids.flatMap((_, row) => {
        const own = Array.from({ length: width }, (__, column) => values[row * width + column] as number);
        return Array.from({ length: copies }, () => own).flat();
      });
    const clustered: AnalysisInput = {
      ...input,
      ids: input.ids.flatMap((id) => Array.from({ length: copies }, (__, i) => `${id}-${i}`)),
      labels: Int32Array.from(repeated(input.labels, 1)),
      units: Int32Array.from({ length: input.ids.length * copies }, (__, i) => Math.floor(i / copies)),
      variants: input.variants.map((variant) => ({
        ...variant,
        runs: variant.runs.map((run) => ({ ...run, scores: Float64Array.from(repeated(run.scores as Float64Array, 2)) })),
      })),
    };
    const difference = { value: 0.03, relative: false };
    const plain = planned(algorithm(6), 400, { pilot: pilotOf(input), difference }).scenarios[0] as Scenario;
    const units = planned(algorithm(6, { unit: 'user' }), 400, { pilot: pilotOf(clustered), difference }).scenarios[0] as Scenario;
    expect(Math.abs((units.rowsNeeded as number) - copies * (plain.rowsNeeded as number))).toBeLessThanOrEqual(copies);
  });

  test('a pilot of few seeds is also planned with seeds that spread more', () => {
    const outlook = planned(algorithm(5), 2000, { pilot: pilotOf(drawn(world, algorithm(5), 800, uniform(6))) });
    expect(outlook.scenarios.map(({ label }) => label)).toEqual(['cnn', 'cnn, cautious']);
    const [plain, cautious] = outlook.scenarios as [Scenario, Scenario];
    expect(plain.options.map((option) => option.seeds)).toEqual([5, 10, 15, 20, 30]);
    expect(plain.options[0]?.rows).toBe(plain.rowsNeeded);
    expect(cautious.standardError).toBeGreaterThan(plain.standardError);
    expect(outlook.notes.join(' ')).toMatch(/Do not count the pilot’s rows twice/);
  });

  test('shares of the control’s value are taken of the pilot’s control', () => {
    const pilot = pilotOf(drawn(world, artifact(), 2000, uniform(7)));
    const outlook = planned(artifact({ test: 'non-inferiority', margin: 0.02, marginRelative: true }), 2000, { pilot });
    expect(outlook.wanted.margin).toBeCloseTo(0.02 * (outlook.pilot?.variants[0]?.controlValue as number), 12);
    expect(planned(artifact(), 2000, { pilot, difference: { value: 0.05, relative: true } }).wanted.difference).toBeCloseTo(
      0.05 * (outlook.pilot?.variants[0]?.controlValue as number),
      12,
    );
  });

  test('guardrails on predictions get the chance to be shown', () => {
    const pilot = pilotOf(drawn(world, algorithm(6), 2000, uniform(8)));
    const guardrails = [
      { metric: 'recall_macro', limit: 0.05, relative: false },
      { metric: 'recall_macro', limit: 0.001, relative: false },
    ];
    const [wide, narrow] = planned(algorithm(6, { guardrails }), 2000, { pilot }).guardrails;
    expect(wide?.chance).toBeGreaterThan(0.95);
    expect(narrow?.chance).toBeLessThan(0.3);
  });

  test('training time is planned over seeds, and latency over blocks', () => {
    const result = makeResult({ candidates: ['cnn'] });
    for (const variant of result.variants)
      variant.runs.forEach((run, i) => {
        run.metrics['training_seconds'] = 100 + (variant.control ? 0 : i);
      });
    const pilot: Pilot = { name: 'digits', predictions: null, result };
    const seconds = planned(algorithm(5, { primary: 'training_seconds' }), 359, { pilot, difference: { value: 2, relative: false } });
    expect(seconds.pilot?.variants[0]).toMatchObject({ over: 'seeds', pairs: 5, difference: -2 });
    expect(seconds.scenarios[0]).toMatchObject({ df: 4, rowsNeeded: null, options: [] });
    expect(seconds.scenarios[0]?.standardError).toBeCloseTo(Math.sqrt(2.5 / 5), 12);
    const latency = planned(algorithm(5, { primary: 'latency_p95' }), 359, { pilot, latency: { blocks: 10, batch: 32 } });
    expect(latency.pilot?.variants[0]?.over).toBe('blocks');
    expect(latency.scenarios[0]?.df).toBe(9);
  });
});

test('requests are counted against what order statistics need', () => {
  const plan = artifact({ guardrails: [{ metric: 'latency_p95', limit: 1, relative: false }], metrics: ['accuracy', 'latency_p95'] });
  const { latency } = planned(plan, 64, { latency: { blocks: 10, batch: 32 } });
  expect(latency).toMatchObject({ requests: 20, needed: { p95: 130, p99: 662 } });
  expect(latency?.problems[0]).toMatch(/20 requests a variant cannot bound p95, which needs 130: set evaluation.latency.blocks to 65/);
  expect(planned(artifact(), 64, { latency: { blocks: 10, batch: 32 } }).latency).toBeNull();
});

describe('what cannot be planned is refused in one sentence with the mend', () => {
  const identical = drawn({ gain: 0, loss: 0, churn: 0, seedDeviation: 0 }, artifact(), 100, uniform(1));
  test.each([
    [
      'a calibration error',
      () => planned(artifact({ primary: 'ece' }), 100),
      /ece has no planning formula .*; set analysis.primary to log_loss/,
    ],
    [
      'an AUC without a pilot',
      () => planned(artifact({ primary: 'auc_ovr' }), 100),
      /auc_ovr can be planned from a pilot alone: give --pilot EXPERIMENT; without a pilot there are accuracy, recall_macro and f1_macro/,
    ],
    [
      'a metric that the pilot has not',
      () => planned(artifact({ primary: 'latency_p95' }), 100, { pilot: pilotOf(identical) }),
      /the pilot pilot says nothing of latency_p95, which needs an experiment’s result/,
    ],
    [
      'identical arms',
      () => planned(artifact(), 100, { pilot: pilotOf(identical) }),
      /never differ in accuracy: there is no noise to plan from/,
    ],
    [
      'a share without a control',
      () => planned(artifact(), 100, { difference: { value: 0.05, relative: true } }),
      /share of the control’s value.*give --pilot, or write 5pp or 0.05/,
    ],
    [
      'a relative margin without a control',
      () => planned(artifact({ margin: 0.2, marginRelative: true }), 100),
      /analysis.margin 20 % is a share .*--set analysis.margin=0.01/,
    ],
    [
      'a difference within the margin',
      () => planned(artifact({ margin: 0.02 }), 100, { difference: { value: 0.01, relative: false } }),
      /superiority is shown beyond the margin 0.02 alone/,
    ],
    [
      'a loss',
      () => planned(artifact(), 100, { difference: { value: -0.01, relative: false } }),
      /superiority needs a true difference above 0/,
    ],
    [
      'a difference outside the margin',
      () => planned(artifact({ test: 'equivalence', margin: 0.02 }), 100, { difference: { value: 0.03, relative: false } }),
      /outside the margin 0.02, where equivalence does not hold/,
    ],
    [
      'points for a fraction',
      () => planned(artifact(), 100, { difference: { value: 1, relative: false } }),
      /lies between -1 and 1; one percentage point is 0.01 or 1pp/,
    ],
    ['a power of 1', () => planned(artifact(), 100, { power: 1 }), /power 1: expected 0.5 to 0.999/],
    ['one row', () => planned(artifact(), 1), /rows 1: expected a whole number from 2/],
  ] as const)('%s', (_, work, message) => {
    expect(work).toThrow(expect.objectContaining({ type: 'SpecInvalid', message: expect.stringMatching(message) }));
  });
});
