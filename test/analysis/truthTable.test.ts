import { analyse, latencyBlocks, type AnalysisInput, type LatencyInput } from '../../src/analysis';
import { noRemedy, type Check, type Outcome, type TelemetrySummary } from '../../src/contract';
import { experiment, normal, run, uniform, type Arm } from './simulate';

interface Row {
  name: string;
  input: AnalysisInput;
  outcome: Outcome;
  harm?: boolean;
  variant?: string;
  sentence: RegExp;
  /** Each has to be in the reasons. */
  reasons?: RegExp[];
}

const equal: Arm[] = [{ name: 'mlp' }, { name: 'cnn' }];
const better: Arm[] = [{ name: 'mlp' }, { name: 'cnn', skill: 1.2 }];
const worse: Arm[] = [{ name: 'mlp', skill: 1.2 }, { name: 'cnn' }];
const gate: Check = { name: 'overlap', status: 'fail', gate: true, statistic: 3, pValue: null, detail: '3 rows are in train and test.' };
const seconds = { metric: 'training_seconds', limit: 0.2, relative: true };
const slow = { metric: 'latency_p95', limit: 0.2, relative: true };

const clear: Row[] = [
  {
    name: 'a clear winner',
    input: experiment({ seed: 4, arms: better }),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /^cnn is better than mlp: \+\d+\.\d pp accuracy \(95 % interval \+\d+\.\d to \+\d+\.\d\); adopt$/,
    reasons: [/^cnn against mlp: .*; superiority, no margin: adopt\.$/],
  },
  {
    name: 'a winner by more than a relative margin',
    input: experiment({ seed: 4, arms: better, plan: { margin: 0.02, marginRelative: true } }),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /^cnn is better than mlp by more than 2 %: \+\d+\.\d % accuracy \(95 % interval \+\d+\.\d to \+\d+\.\d\); adopt$/,
    reasons: [/superiority, margin 2 %: adopt/],
  },
  {
    name: 'a winner whose relative margin is open',
    input: experiment({ seed: 4, arms: better, plan: { margin: 0.2, marginRelative: true } }),
    outcome: 'inconclusive',
    sentence: /^cnn against mlp is open: \+\d+\.\d % accuracy .*; inconclusive$/,
    reasons: [/would settle it/],
  },
  {
    name: 'a winner where lower is better',
    input: experiment({ seed: 4, arms: better, plan: { primary: 'log_loss', metrics: [] } }),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /^cnn is better than mlp: -0\.\d+ .*log loss \(95 % interval -0\.\d+ to -0\.\d+\); adopt$/,
  },
  {
    name: 'harm where lower is better',
    input: experiment({ seed: 7, arms: worse, plan: { primary: 'log_loss', metrics: [] } }),
    outcome: 'keep',
    harm: true,
    sentence: /^cnn is worse than mlp: \+0\.\d+ .*log loss .*; keep mlp$/,
  },
  {
    name: 'a tie',
    input: experiment({ seed: 31, arms: equal }),
    outcome: 'inconclusive',
    sentence: /^cnn against mlp is open: [+-]\d\.\d pp accuracy .*; inconclusive$/,
    reasons: [/(About .* \(now .*\).* would settle it)|(so near the margin)/],
  },
  {
    name: 'surely no better by the margin',
    input: experiment({ seed: 31, arms: equal, plan: { margin: 0.15 } }),
    outcome: 'keep',
    sentence: /^cnn is not more than 15 pp better than mlp: .*; keep mlp$/,
  },
  {
    name: 'harm',
    input: experiment({ seed: 7, arms: worse }),
    outcome: 'keep',
    harm: true,
    sentence: /^cnn is worse than mlp: -\d+\.\d pp accuracy \(95 % interval -\d+\.\d to -\d+\.\d\); keep mlp$/,
  },
  {
    name: 'non-inferior',
    input: experiment({ seed: 31, arms: equal, plan: { test: 'non-inferiority', margin: 0.1 } }),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /^cnn is at most 10 pp worse than mlp: .*; adopt$/,
    reasons: [/non-inferiority, margin 10 pp: adopt/],
  },
  {
    name: 'inferior by more than the margin',
    input: experiment({ seed: 7, arms: [{ name: 'mlp', skill: 2.5 }, { name: 'cnn' }], plan: { test: 'non-inferiority', margin: 0.01 } }),
    outcome: 'keep',
    harm: true,
    sentence: /^cnn is worse than mlp: .*; keep mlp$/,
  },
  {
    name: 'non-inferiority that is open',
    input: experiment({ seed: 31, arms: equal, plan: { test: 'non-inferiority', margin: 0.001 } }),
    outcome: 'inconclusive',
    sentence: /^cnn against mlp is open: .*; inconclusive$/,
    reasons: [/would settle it/],
  },
  {
    name: 'equivalent',
    input: experiment({ seed: 31, arms: equal, plan: { test: 'equivalence', margin: 0.1 } }),
    outcome: 'equivalent',
    sentence: /^cnn and mlp are equivalent within 10 pp: .* \(90 % interval .*\); equivalent$/,
  },
  {
    name: 'not equivalent, since worse',
    input: experiment({ seed: 7, arms: worse, plan: { test: 'equivalence', margin: 0.01 } }),
    outcome: 'keep',
    harm: true,
    sentence: /^cnn is worse than mlp: .*; keep mlp$/,
  },
  {
    name: 'not equivalent, since better',
    input: experiment({ seed: 4, arms: better, plan: { test: 'equivalence', margin: 0.01 } }),
    outcome: 'keep',
    sentence: /^cnn is not within 1 pp of mlp: \+.*; keep mlp$/,
  },
  {
    name: 'equivalence that is open',
    input: experiment({ seed: 31, arms: equal, plan: { test: 'equivalence', margin: 0.02 } }),
    outcome: 'inconclusive',
    sentence: /^cnn against mlp is open: .*; inconclusive$/,
    reasons: [/would settle it/],
  },
];

const guarded: Row[] = [
  {
    name: 'a winner with its guardrail shown',
    input: experiment({ seed: 4, arms: better, plan: { guardrails: [seconds] } }),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /; adopt$/,
    reasons: [/^Guardrail training time \(at most 20 % higher\) is kept: /],
  },
  {
    name: 'a winner with a guardrail that is open, with what would settle it',
    input: {
      ...experiment({ seed: 4, arms: better, plan: { guardrails: [slow] } }),
      latency: [blocks('mlp', 1, 2), blocks('cnn', 1.2, 3)],
    },
    outcome: 'inconclusive',
    sentence: /^cnn against mlp: \+.* pp accuracy .*, but the guardrail on p95 latency is open; inconclusive$/,
    reasons: [/^Guardrail p95 latency \(at most 20 % higher\) is open: .*\. (About \d+ requests \(now \d+\)|The difference seen)/],
  },
  {
    name: 'a winner with a guardrail that nothing was measured for',
    input: experiment({ seed: 4, arms: better, plan: { guardrails: [slow] } }),
    outcome: 'inconclusive',
    sentence: /but the guardrail on p95 latency is open; inconclusive$/,
    reasons: [/^Guardrail p95 latency \(at most 20 % higher\) is open: no interval can be stated\.$/],
  },
  {
    name: 'a winner that breaks its guardrail',
    input: experiment({ seed: 24, arms: [{ name: 'mlp' }, { name: 'cnn', skill: 1.5, seconds: 20 }], plan: { guardrails: [seconds] } }),
    outcome: 'keep',
    harm: true,
    sentence: /^cnn breaks the guardrail on training time \(\+.* pp accuracy .*\); keep mlp$/,
    reasons: [/^Guardrail training time \(at most 20 % higher\) is broken: \+\d+\.\d % training time/],
  },
  {
    name: 'a tie that breaks its guardrail',
    input: experiment({ seed: 31, arms: [{ name: 'mlp' }, { name: 'cnn', seconds: 20 }], plan: { guardrails: [seconds] } }),
    outcome: 'keep',
    harm: true,
    sentence: /^cnn breaks the guardrail on training time/,
  },
  {
    name: 'harm with an open guardrail',
    input: experiment({ seed: 7, arms: worse, plan: { guardrails: [slow] } }),
    outcome: 'keep',
    harm: true,
    sentence: /^cnn is worse than mlp/,
  },
  {
    name: 'a guardrail on time that a hot device confounds',
    input: hot(experiment({ seed: 4, arms: better, plan: { guardrails: [{ ...seconds, limit: 0.5 }] } })),
    outcome: 'inconclusive',
    sentence: /but the guardrail on training time is open; inconclusive$/,
    reasons: [/is open: it is confounded by cnn seed 1 at 1410 MHz/],
  },
];

const spoiled: Row[] = [
  ...(
    [
      ['a clear winner', 4, better],
      ['harm', 7, worse],
      ['a tie', 31, equal],
    ] as const
  ).map(
    ([what, seed, arms]): Row => ({
      name: `${what} behind a failed gate`,
      input: { ...experiment({ seed, arms: [...arms] }), dataChecks: [gate] },
      outcome: 'invalid',
      sentence: /^The comparison is invalid: 3 rows are in train and test\.$/,
      reasons: [/^overlap: 3 rows are in train and test\.$/],
    }),
  ),
  {
    name: 'a winner with predictions that cannot be paired',
    input: change(experiment({ seed: 4, arms: better }), 'cnn', (runs) => {
      Object.assign(runs[0] as object, { scores: null, problem: '2 ids of the test split missing: a, b' });
    }),
    outcome: 'invalid',
    sentence: /^The comparison is invalid: cnn, seed 1: 2 ids of the test split missing: a, b\.$/,
  },
  {
    name: 'a winner trained with remedies of its own',
    input: change(hot(experiment({ seed: 4, arms: better })), 'cnn', (runs) => {
      for (const entry of runs) Object.assign(entry, { conduct: conduct({}, { ...noRemedy, level: 1, microBatchDivisor: 2 }) });
    }),
    outcome: 'invalid',
    sentence:
      /^The comparison is invalid: Variants were trained with different remedies: mlp without; cnn was trained with micro-batches of half the batch\.$/,
  },
  {
    name: 'no rows',
    input: experiment({ seed: 4, arms: better, rows: 0 }),
    outcome: 'invalid',
    sentence: /^The comparison is invalid: the test split has no rows\.$/,
  },
  {
    name: 'one row',
    input: experiment({ seed: 4, arms: better, rows: 1 }),
    outcome: 'inconclusive',
    sentence: /^cnn against mlp cannot be compared: accuracy: no difference can be stated; inconclusive$/,
    reasons: [/an undefined number never passes\. One row \(or unit\) has no interval; two or more have\./],
  },
  {
    name: 'a metric that is undefined: an AUC of one class',
    input: {
      ...experiment({ seed: 17, arms: better, seeds: [1], classes: 2, plan: { primary: 'auc_ovr', metrics: ['auc_ovr'] } }),
      labels: new Int32Array(300),
    },
    outcome: 'inconclusive',
    sentence: /^cnn against mlp cannot be compared: .*; inconclusive$/,
    reasons: [/auc_ovr is undefined on these rows \(0\/0\)/],
  },
  {
    name: 'a metric that is undefined over seeds',
    input: {
      ...experiment({ seed: 17, arms: better, classes: 2, plan: { primary: 'auc_ovr', metrics: ['auc_ovr'] } }),
      labels: new Int32Array(300),
    },
    outcome: 'inconclusive',
    sentence: /^cnn against mlp cannot be compared: .*; inconclusive$/,
    reasons: [/auc_ovr is undefined in at least one run \(0\/0\)/],
  },
  {
    name: 'an AUC of a class with one row has no interval, so it never passes',
    input: {
      ...experiment({ seed: 17, arms: better, seeds: [1], classes: 2, plan: { primary: 'auc_ovr', metrics: ['auc_ovr'] } }),
      labels: Int32Array.from({ length: 300 }, (_, row) => (row === 7 ? 1 : 0)),
    },
    outcome: 'inconclusive',
    sentence: /^cnn against mlp cannot be compared: .* \(no interval can be stated\); inconclusive$/,
    reasons: [/auc_ovr has no interval: one of the classes has a single row/],
  },
  {
    name: 'three units have no interval, however many rows they have',
    input: { ...experiment({ seed: 13, arms: better, seeds: [1] }), units: Int32Array.from({ length: 300 }, (_, row) => row % 3) },
    outcome: 'inconclusive',
    sentence: /^cnn against mlp cannot be compared: .* \(no interval can be stated\); inconclusive$/,
    reasons: [/the units are so few or so unequal that they are worth 3\.0 of one size, too few for an interval/],
  },
  {
    name: 'unequal failures',
    input: lose(experiment({ seed: 13, arms: better, seeds: [1, 2, 3, 4, 5, 6] }), { cnn: [3] }),
    outcome: 'inconclusive',
    sentence: /^Runs failed unequally \(mlp: 0 of 6, cnn: 1 of 6\), so the arms are no equals\. cnn against mlp: \+.*; inconclusive$/,
  },
  {
    name: 'equal failures that leave 5 pairs',
    input: lose(experiment({ seed: 13, arms: better, seeds: [1, 2, 3, 4, 5, 6] }), { mlp: [3], cnn: [3] }),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /; adopt$/,
  },
  {
    name: 'equal failures that leave 4 pairs',
    input: lose(experiment({ seed: 13, arms: better, seeds: [1, 2, 3, 4, 5, 6] }), { mlp: [3], cnn: [4] }),
    outcome: 'inconclusive',
    sentence: /^Failed runs left fewer than 5 paired seeds, so the registered question about the algorithm has no answer\. /,
    reasons: [/these trained models/],
  },
  {
    name: 'equal failures say nothing against a metric that is never about the algorithm',
    input: lose(
      experiment({ seed: 31, arms: equal, seeds: [1, 2, 3, 4, 5, 6], plan: { primary: 'ece', test: 'equivalence', margin: 0.2 } }),
      {
        mlp: [3],
        cnn: [3],
      },
    ),
    outcome: 'equivalent',
    sentence: /equivalent$/,
  },
  {
    name: 'a variant of which every run failed',
    input: lose(experiment({ seed: 14, arms: better }), { cnn: [1, 2, 3, 4, 5] }),
    outcome: 'inconclusive',
    sentence: /^Runs failed unequally \(mlp: 0 of 5, cnn: 5 of 5\).* cnn against mlp: accuracy: no difference can be stated; inconclusive$/,
    reasons: [/No run of one arm is paired with a run of the other/],
  },
  {
    name: 'all runs of both arms failed',
    input: lose(experiment({ seed: 14, arms: better }), { mlp: [1, 2, 3, 4, 5], cnn: [1, 2, 3, 4, 5] }),
    outcome: 'inconclusive',
    sentence: /^Failed runs left fewer than 5 paired seeds/,
  },
  {
    name: 'a variant that is not there at all',
    input: without(experiment({ seed: 14, arms: better }), 'cnn'),
    outcome: 'inconclusive',
    sentence: /^There is no comparison of accuracy to decide on; inconclusive$/,
  },
];

const few: Row[] = [
  {
    name: 'a winner of one seed',
    input: experiment({ seed: 5, arms: better, seeds: [1], rows: 600 }),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /^cnn is better than mlp/,
    reasons: [/^The claim holds for these trained models, not for training them again\.$/],
  },
  {
    name: 'a tie of one seed says how many rows',
    input: experiment({ seed: 34, arms: equal, seeds: [1] }),
    outcome: 'inconclusive',
    sentence: /is open/,
    reasons: [/^About \d+ test rows \(now 300\) would settle it\.$/],
  },
  ...[2, 3, 4].map(
    (count): Row => ({
      name: `a winner of ${count} seeds`,
      input: experiment({ seed: 6, arms: better, seeds: Array.from({ length: count }, (_, i) => i + 1) }),
      outcome: 'adopt',
      variant: 'cnn',
      sentence: /^cnn is better than mlp/,
      reasons: [/these trained models/],
    }),
  ),
  {
    name: 'a tie over seeds says how many seeds or rows',
    input: experiment({ seed: 33, arms: equal, seedEffect: 0.6 }),
    outcome: 'inconclusive',
    sentence: /is open/,
    reasons: [/About \d+ .*would settle it/],
  },
  {
    name: 'a cost of one pair of runs',
    input: experiment({ seed: 25, arms: better, seeds: [1], plan: { primary: 'training_seconds', metrics: ['accuracy'] } }),
    outcome: 'inconclusive',
    sentence: /^cnn against mlp cannot be compared: .* training time \(no interval can be stated\); inconclusive$/,
    reasons: [/One pair of runs has no interval; two or more seeds have\./],
  },
  {
    name: 'a cost that is open says how many seeds',
    input: experiment({ seed: 25, arms: equal, plan: { primary: 'training_seconds', metrics: ['accuracy'] } }),
    outcome: 'inconclusive',
    sentence: /^cnn against mlp is open: .* training time/,
    reasons: [/^About \d+ seeds \(now 5\) would settle it\.$/],
  },
  {
    name: 'latency decides',
    input: {
      ...experiment({ seed: 27, arms: equal, plan: { primary: 'latency_p95', metrics: ['accuracy'] } }),
      latency: [blocks('mlp', 1.5, 2), blocks('cnn', 1, 3)],
    },
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /^cnn is better than mlp: -\d+\.\d+ ms p95 latency \(95 % interval -\d+\.\d+ to -\d+\.\d+\); adopt$/,
  },
  {
    name: 'latency that decides is open in requests',
    input: {
      ...experiment({ seed: 27, arms: equal, plan: { primary: 'latency_p95', metrics: ['accuracy'] } }),
      latency: [blocks('mlp', 1, 2), blocks('cnn', 1, 3)],
    },
    outcome: 'inconclusive',
    sentence: /^cnn against mlp is open: .* ms p95 latency/,
    reasons: [/^About \d+ requests \(now \d+\) would settle it\.$/],
  },
  {
    name: 'latency that was never measured',
    input: experiment({ seed: 27, arms: equal, plan: { primary: 'latency_p95', metrics: ['accuracy'] } }),
    outcome: 'inconclusive',
    sentence: /^cnn against mlp cannot be compared/,
    reasons: [/There are no latency measurements\./],
  },
  {
    name: 'a winner under a wall-clock budget of which one arm was slowed by heat',
    input: { ...hot(experiment({ seed: 4, arms: better })), wallClockBudget: true },
    outcome: 'inconclusive',
    sentence: /^accuracy is confounded, so it decides nothing\. cnn against mlp: \+.*; inconclusive$/,
  },
  {
    name: 'a winner under a budget of epochs of which one arm was slowed by heat',
    input: hot(experiment({ seed: 4, arms: better })),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /; adopt$/,
  },
  {
    name: 'a time that a hot device confounds decides nothing, though it lies clear of 0',
    input: hot(
      experiment({ seed: 24, arms: [{ name: 'mlp' }, { name: 'cnn', seconds: 20 }], plan: { primary: 'training_seconds', metrics: [] } }),
    ),
    outcome: 'inconclusive',
    sentence: /^training time is confounded, so it decides nothing\. cnn against mlp: /,
    reasons: [/^training time is confounded \(cnn seed 1 at 1410 MHz against .*\), so it decides nothing\.$/],
  },
];

const several: Row[] = [
  {
    name: 'one winner among several, whose luck is named',
    input: experiment({ seed: 12, arms: [{ name: 'mlp' }, { name: 'cnn', skill: 1.2 }, { name: 'same' }, { name: 'other' }] }),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /^cnn is better than mlp: \+\d+\.\d pp accuracy \(9[5-8]\.?\d* % interval /,
    reasons: [
      /^As the best of 3 candidates cnn was lucky too, so its difference is biased in its favour: \+\d+\.\d pp accuracy as measured, about \+\d+\.\d pp after shrinkage towards the mean of the candidates\.$/,
      /^same against mlp is open/,
    ],
  },
  {
    name: 'two winners: the larger lower bound',
    input: experiment({ seed: 12, arms: [{ name: 'mlp' }, { name: 'good', skill: 1 }, { name: 'best', skill: 2 }] }),
    outcome: 'adopt',
    variant: 'best',
    sentence: /^best is better than mlp/,
    reasons: [/^good is better than mlp: .*; adopt$/, /^As the best of 2 candidates best was lucky too/],
  },
  {
    name: 'one harmed and one winning',
    input: experiment({
      seed: 12,
      arms: [
        { name: 'mlp', skill: 0.8 },
        { name: 'bad', skill: -0.8 },
        { name: 'cnn', skill: 2.2 },
      ],
    }),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /^cnn is better than mlp/,
    reasons: [/^bad is worse than mlp: .*; keep mlp$/],
  },
  {
    name: 'one harmed and one open',
    input: experiment({
      seed: 12,
      arms: [
        { name: 'mlp', skill: 1.2 },
        { name: 'bad', skill: -0.5 },
        { name: 'same', skill: 1.2 },
      ],
    }),
    outcome: 'inconclusive',
    sentence: /^same against mlp is open/,
    reasons: [/^bad is worse than mlp/],
  },
  {
    name: 'all harmed',
    input: experiment({ seed: 12, arms: [{ name: 'mlp', skill: 2 }, { name: 'bad' }, { name: 'poor' }] }),
    outcome: 'keep',
    harm: true,
    sentence: /is worse than mlp: .*; keep mlp$/,
  },
  {
    name: 'none of several',
    input: experiment({ seed: 41, arms: [{ name: 'mlp' }, { name: 'one' }, { name: 'two' }] }),
    outcome: 'inconclusive',
    sentence: /is open/,
  },
  {
    name: 'a winner beside a variant of which every run failed',
    input: lose(experiment({ seed: 12, arms: [{ name: 'mlp' }, { name: 'cnn', skill: 1.2 }, { name: 'lost' }] }), {
      lost: [1, 2, 3, 4, 5],
    }),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /^cnn is better than mlp: .*\(95 % interval/,
    reasons: [/lost: 5 of 5/],
  },
  {
    name: 'one winner among several of one seed',
    input: experiment({ seed: 12, rows: 600, seeds: [1], arms: [{ name: 'mlp' }, { name: 'cnn', skill: 1.2 }, { name: 'same' }] }),
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /^cnn is better than mlp/,
    reasons: [/^As the best of 2 candidates .* as measured, about /],
  },
  {
    name: 'one winner among several by latency, of which no joint noise is known',
    input: {
      ...experiment({ seed: 27, arms: [...equal, { name: 'vit' }], plan: { primary: 'latency_p95', metrics: [] } }),
      latency: [blocks('mlp', 1.5, 2), blocks('cnn', 1, 3), blocks('vit', 1.5, 4)],
    },
    outcome: 'adopt',
    variant: 'cnn',
    sentence: /^cnn is better than mlp: .*\(97\.5 % interval/,
    reasons: [/^As the best of 2 candidates cnn was lucky too, .*; without joint replicates there is no estimate of by how much\.$/],
  },
  {
    name: 'several that are equivalent',
    input: experiment({
      seed: 31,
      arms: [{ name: 'mlp' }, { name: 'one' }, { name: 'two' }],
      plan: { test: 'equivalence', margin: 0.12 },
    }),
    outcome: 'equivalent',
    sentence: /are equivalent within 12 pp: .* \(95 % interval .*\); equivalent$/,
  },
];

describe('the verdict from simulated predictions', () => {
  test.each([...clear, ...guarded, ...spoiled, ...few, ...several])('$name', (row) => {
    const analysis = analyse(row.input);
    const { verdict } = analysis;
    expect(verdict.sentence).toMatch(row.sentence);
    expect({ outcome: verdict.outcome, harm: verdict.harm, variant: verdict.variant }).toEqual({
      outcome: row.outcome,
      harm: row.harm ?? false,
      variant: row.variant ?? null,
    });
    for (const reason of row.reasons ?? []) expect(verdict.reasons).toContainEqual(expect.stringMatching(reason));
    expect(JSON.stringify(analysis)).not.toMatch(/NaN|Infinity/);
  });

  test('needs a control', () => {
    expect(() => analyse(without(experiment({ seed: 14, arms: better }), 'mlp'))).toThrow(/no variant is the control/);
  });
});

function blocks(variant: string, factor: number, seed: number): LatencyInput {
  const random = uniform(seed);
  const lines = Array.from({ length: 300 }, (_, i) => ({
    block: Math.floor(i / 30),
    step: i,
    batch: 32,
    ms: factor * (4 + Math.abs(normal(random))),
    warmup: false,
  }));
  return latencyBlocks(variant, lines);
}

function change(input: AnalysisInput, variant: string, how: (runs: AnalysisInput['variants'][number]['runs']) => void): AnalysisInput {
  how(input.variants.find(({ name }) => name === variant)?.runs ?? []);
  return input;
}

function lose(input: AnalysisInput, lost: Record<string, number[]>): AnalysisInput {
  const variants = input.variants.map((variant) => ({
    ...variant,
    runs: variant.runs.map((entry) => (lost[variant.name]?.includes(entry.seed) === true ? run(entry.seed, null) : entry)),
  }));
  return { ...input, variants };
}

function without(input: AnalysisInput, name: string): AnalysisInput {
  return { ...input, variants: input.variants.filter((variant) => variant.name !== name) };
}

function hot(input: AnalysisInput): AnalysisInput {
  for (const variant of input.variants) {
    const telemetry = variant.control ? {} : { smClockMhz: 1410, throttledShare: 0.4, throttleReasons: { hw_thermal_slowdown: 12 } };
    for (const entry of variant.runs) Object.assign(entry, { conduct: conduct(telemetry) });
  }
  return input;
}

function conduct(telemetry: Partial<TelemetrySummary>, remedy = noRemedy): AnalysisInput['variants'][number]['runs'][number]['conduct'] {
  return {
    remedy,
    failures: { crash: 0, infrastructure: 0, preemption: 0, outOfMemory: 0 },
    leaks: [],
    deviceModel: 'NVIDIA H100',
    telemetry: {
      samples: 100,
      seconds: 100,
      utilization: 0.9,
      peakMemoryBytes: 1e9,
      smClockMhz: 1755,
      energyJoules: 1e4,
      maxTemperatureCelsius: 60,
      throttledShare: 0,
      throttleReasons: {},
      gpuHours: 0.03,
      ...telemetry,
    },
    dataStall: 0.1,
  };
}
