import { decide, type ArmFailures, type Evidence } from '../../src/analysis/decide';
import type { Check, Guardrail, RegisteredPlan, Verdict } from '../../src/contract';

interface Row {
  name: string;
  plan?: Partial<RegisteredPlan>;
  primary?: [number | null, number | null, number | null];
  ratio?: [number, number, number];
  claim?: Evidence['claim'];
  guardrail?: { rule: Guardrail; interval?: [number, number, number]; ratio?: [number, number, number] };
  failures?: ArmFailures[];
  checks?: Check[];
  expected: Verdict['outcome'];
  harm?: boolean;
}

const latency: Guardrail = { metric: 'latency_p95', limit: 2, relative: false };
const relativeLatency: Guardrail = { metric: 'latency_p95', limit: 0.2, relative: true };
const recall: Guardrail = { metric: 'recall_macro', limit: 0.01, relative: false };
const gate = (status: Check['status'], isGate: boolean): Check => ({
  name: 'snapshot',
  status,
  gate: isGate,
  statistic: null,
  pValue: null,
  detail: 'the data changed in train.csv',
});
const noninferior = { test: 'non-inferiority', margin: 0.01 } as const;
const equivalence = { test: 'equivalence', margin: 0.01 } as const;

// [estimate, low, high] of variant minus control; accuracy unless the plan says otherwise
const truthTable: Row[] = [
  { name: 'superiority: low above 0 adopts', primary: [0.02, 0.01, 0.03], expected: 'adopt' },
  { name: 'superiority: low exactly 0 is open', primary: [0.02, 0, 0.04], expected: 'inconclusive' },
  { name: 'superiority: an interval over 0 is open', primary: [0.01, -0.01, 0.03], expected: 'inconclusive' },
  { name: 'superiority: high exactly 0 keeps without harm', primary: [-0.01, -0.02, 0], expected: 'keep' },
  { name: 'superiority: high below 0 keeps with harm', primary: [-0.02, -0.03, -0.01], expected: 'keep', harm: true },
  { name: 'superiority: identical arms keep without harm', primary: [0, 0, 0], expected: 'keep' },
  { name: 'superiority: low above the margin adopts', plan: { margin: 0.01 }, primary: [0.03, 0.011, 0.05], expected: 'adopt' },
  { name: 'superiority: low at the margin is open', plan: { margin: 0.01 }, primary: [0.03, 0.01, 0.05], expected: 'inconclusive' },
  {
    name: 'superiority: better, but surely by less than the margin, keeps',
    plan: { margin: 0.01 },
    primary: [0.005, 0.001, 0.009],
    expected: 'keep',
  },
  { name: 'superiority of a loss: lower adopts', plan: { primary: 'log_loss' }, primary: [-0.2, -0.3, -0.1], expected: 'adopt' },
  {
    name: 'superiority of a loss: higher keeps with harm',
    plan: { primary: 'log_loss' },
    primary: [0.2, 0.1, 0.3],
    expected: 'keep',
    harm: true,
  },
  {
    name: 'a relative margin is judged by the ratio, not the difference',
    plan: { primary: 'log_loss', margin: 0.2, marginRelative: true },
    primary: [-0.1, -0.15, -0.05],
    ratio: [0.7, 0.65, 0.75],
    expected: 'adopt',
  },
  {
    name: 'a relative margin that the ratio may miss is open',
    plan: { primary: 'log_loss', margin: 0.2, marginRelative: true },
    primary: [-0.1, -0.15, -0.05],
    ratio: [0.75, 0.65, 0.85],
    expected: 'inconclusive',
  },
  {
    name: 'a relative margin without a ratio never passes',
    plan: { margin: 0.2, marginRelative: true },
    primary: [0.3, 0.25, 0.35],
    expected: 'inconclusive',
  },
  { name: 'non-inferiority: low above minus margin adopts', plan: noninferior, primary: [-0.002, -0.009, 0.005], expected: 'adopt' },
  { name: 'non-inferiority: low at minus margin is open', plan: noninferior, primary: [0, -0.01, 0.01], expected: 'inconclusive' },
  { name: 'non-inferiority: high at minus margin is open', plan: noninferior, primary: [-0.02, -0.03, -0.01], expected: 'inconclusive' },
  {
    name: 'non-inferiority: high below minus margin keeps with harm',
    plan: noninferior,
    primary: [-0.02, -0.03, -0.011],
    expected: 'keep',
    harm: true,
  },
  {
    name: 'equivalence: an interval inside the margins is equivalent',
    plan: equivalence,
    primary: [0.001, -0.008, 0.009],
    expected: 'equivalent',
  },
  {
    name: 'equivalence: an interval touching a margin is open',
    plan: equivalence,
    primary: [0.001, -0.008, 0.01],
    expected: 'inconclusive',
  },
  { name: 'equivalence: identical arms are equivalent', plan: equivalence, primary: [0, 0, 0], expected: 'equivalent' },
  {
    name: 'equivalence: an interval below keeps with harm',
    plan: equivalence,
    primary: [-0.03, -0.05, -0.02],
    expected: 'keep',
    harm: true,
  },
  { name: 'equivalence: an interval above keeps without harm', plan: equivalence, primary: [0.03, 0.02, 0.05], expected: 'keep' },
  { name: 'an undefined difference never passes', primary: [null, null, null], expected: 'inconclusive' },
  { name: 'a difference without an interval never passes', primary: [0.02, null, null], expected: 'inconclusive' },
  { name: 'NaN never passes', plan: noninferior, primary: [Number.NaN, Number.NaN, Number.NaN], expected: 'inconclusive' },
  {
    name: 'a guardrail that is kept lets adopt stand',
    primary: [0.02, 0.01, 0.03],
    guardrail: { rule: latency, interval: [0.5, 0, 1.9] },
    expected: 'adopt',
  },
  {
    name: 'a guardrail touching its limit is open',
    primary: [0.02, 0.01, 0.03],
    guardrail: { rule: latency, interval: [1, 0, 2] },
    expected: 'inconclusive',
  },
  {
    name: 'a broken guardrail keeps with harm',
    primary: [0.02, 0.01, 0.03],
    guardrail: { rule: latency, interval: [4, 2.1, 6] },
    expected: 'keep',
    harm: true,
  },
  {
    name: 'a broken guardrail keeps although the primary is open',
    primary: [0.01, -0.01, 0.03],
    guardrail: { rule: latency, interval: [4, 2.1, 6] },
    expected: 'keep',
    harm: true,
  },
  {
    name: 'an open guardrail leaves keep as it is',
    primary: [-0.01, -0.02, 0],
    guardrail: { rule: latency, interval: [1, 0, 3] },
    expected: 'keep',
  },
  { name: 'an unmeasured guardrail is open', primary: [0.02, 0.01, 0.03], guardrail: { rule: latency }, expected: 'inconclusive' },
  {
    name: 'a guardrail of a metric where more is better looks at the other end',
    primary: [0.02, 0.01, 0.03],
    guardrail: { rule: recall, interval: [0, -0.02, 0.02] },
    expected: 'inconclusive',
  },
  {
    name: 'a relative guardrail is kept by its ratio',
    primary: [0.02, 0.01, 0.03],
    guardrail: { rule: relativeLatency, interval: [9, 8, 10], ratio: [1.1, 1.0, 1.19] },
    expected: 'adopt',
  },
  {
    name: 'a relative guardrail is broken by its ratio',
    primary: [0.02, 0.01, 0.03],
    guardrail: { rule: relativeLatency, interval: [0.1, 0, 0.2], ratio: [1.4, 1.21, 1.6] },
    expected: 'keep',
    harm: true,
  },
  {
    name: 'a guardrail open beside equivalence is open',
    plan: equivalence,
    primary: [0, -0.001, 0.001],
    guardrail: { rule: latency, interval: [1, 0, 3] },
    expected: 'inconclusive',
  },
  { name: 'a failed gate beats a winner', primary: [0.02, 0.01, 0.03], checks: [gate('fail', true)], expected: 'invalid' },
  { name: 'a failed gate beats harm', primary: [-0.02, -0.03, -0.01], checks: [gate('fail', true)], expected: 'invalid' },
  {
    name: 'a failed check that is no gate is only a finding',
    primary: [0.02, 0.01, 0.03],
    checks: [gate('fail', false)],
    expected: 'adopt',
  },
  { name: 'a gate that warns does not fail', primary: [0.02, 0.01, 0.03], checks: [gate('warn', true)], expected: 'adopt' },
  {
    name: 'unequal failures cap a winner',
    primary: [0.02, 0.01, 0.03],
    failures: [{ variant: 'cnn', failed: 1, planned: 5 }],
    expected: 'inconclusive',
  },
  {
    name: 'unequal failures cap harm as well',
    primary: [-0.02, -0.03, -0.01],
    failures: [{ variant: 'mlp', failed: 3, planned: 5 }],
    expected: 'inconclusive',
  },
  {
    name: 'equal failures leave the rule as it is',
    primary: [0.02, 0.01, 0.03],
    failures: [
      { variant: 'mlp', failed: 1, planned: 6 },
      { variant: 'cnn', failed: 1, planned: 6 },
    ],
    expected: 'adopt',
  },
  {
    name: 'equal failures that leave too few seeds for the registered question are open',
    primary: [0.02, 0.01, 0.03],
    claim: 'artifact',
    failures: [
      { variant: 'mlp', failed: 1, planned: 5 },
      { variant: 'cnn', failed: 1, planned: 5 },
    ],
    expected: 'inconclusive',
  },
];

describe('the rule', () => {
  test.each(truthTable)('$name', (row) => {
    const verdict = verdictOf(row);
    expect(verdict.outcome).toBe(row.expected);
    expect(verdict.harm).toBe(row.harm ?? false);
    expect(verdict.variant).toBe(row.expected === 'adopt' ? 'cnn' : null);
    expect(verdict.reasons.length).toBeGreaterThan(0);
  });
});

describe('the sentence', () => {
  test('says who is better, by how much, with which certainty, and what to do', () => {
    const verdict = verdictOf({ name: '', primary: [0.021, 0.008, 0.034], expected: 'adopt' });
    expect(verdict.sentence).toBe('cnn is better than mlp: +2.1 pp accuracy (95 % interval +0.8 to +3.4); adopt');
  });

  test('names the failed gate when the comparison is invalid', () => {
    const verdict = verdictOf({ name: '', primary: [0.02, 0.01, 0.03], checks: [gate('fail', true)], expected: 'invalid' });
    expect(verdict.sentence).toBe('The comparison is invalid: the data changed in train.csv');
  });

  test('names the guardrail that is broken', () => {
    const row: Row = {
      name: '',
      primary: [0.02, 0.01, 0.03],
      guardrail: { rule: relativeLatency, interval: [1, 1, 1], ratio: [1.4, 1.21, 1.6] },
      expected: 'keep',
    };
    const { sentence, reasons } = verdictOf(row);
    expect(sentence).toBe('cnn breaks the guardrail on p95 latency (+2.0 pp accuracy (95 % interval +1.0 to +3.0)); keep mlp');
    expect(reasons).toContain('Guardrail p95 latency (at most 20 % higher) is broken: +40.0 % p95 latency (95 % interval +21.0 to +60.0).');
  });
});

describe('what would settle it', () => {
  test('is a number of rows that grows with the square of what is missing', () => {
    const { reasons } = verdictOf({
      name: '',
      primary: [0.01, -0.01, 0.03],
      claim: 'artifact',
      plan: { question: 'artifact' },
      expected: 'inconclusive',
    });
    // half width 0.02, power factor 1.43: (0.02 * 1.43 / 0.01)^2 * 1000 rows
    expect(reasons.at(-1)).toBe('About 8180 test rows (now 1000) would settle it.');
  });

  test('is a number of seeds where the seeds are what varies', () => {
    const primary = { ...evidence({ primary: [0.01, -0.01, 0.03] }), components: { rows: 1e-6, seeds: 9.9e-5, seedCount: 5 } };
    const { reasons } = decide(planOf({}), [primary], [], []);
    expect(reasons.at(-1)).toBe('About 45 seeds (now 5) at these rows would settle it.');
  });

  test('is a number of rows where the rows are what varies, and both where neither alone would do', () => {
    const of = (rows: number, seeds: number): string | undefined =>
      decide(planOf({}), [{ ...evidence({ primary: [0.01, -0.01, 0.03] }), components: { rows, seeds, seedCount: 5 } }], [], []).reasons.at(
        -1,
      );
    expect(of(9.9e-5, 1e-6)).toBe('About 8820 test rows (now 1000) at these seeds would settle it.');
    expect(of(5e-5, 5e-5)).toBe('About 8180 test rows (now 1000) with 41 seeds (now 5) would settle it.');
  });

  test('is nothing affordable when the difference seen is the margin', () => {
    const { reasons } = verdictOf({ name: '', primary: [0, -0.01, 0.01], expected: 'inconclusive' });
    expect(reasons.at(-1)).toMatch(/so near the margin/);
  });
});

describe('several candidates', () => {
  const candidate = (variant: string, interval: [number, number, number]): Evidence => ({ ...evidence({ primary: interval }), variant });

  test('the adoptable one with the largest lower bound wins, not the largest estimate', () => {
    const verdict = decide(planOf({}), [candidate('wide', [0.05, 0.001, 0.1]), candidate('sure', [0.03, 0.02, 0.04])], [], []);
    expect(verdict).toMatchObject({ outcome: 'adopt', variant: 'sure' });
  });

  test('an open candidate comes before one that is kept out', () => {
    const verdict = decide(planOf({}), [candidate('bad', [-0.02, -0.03, -0.01]), candidate('open', [0, -0.01, 0.01])], [], []);
    expect(verdict).toMatchObject({ outcome: 'inconclusive', harm: false, variant: null });
  });

  test('the failure of one does not lose the other', () => {
    const failures = [{ variant: 'lost', failed: 5, planned: 5 }];
    const verdict = decide(
      planOf({}),
      [{ ...evidence({ primary: [null, null, null] }), variant: 'lost' }, candidate('sure', [0.03, 0.02, 0.04])],
      [],
      failures,
    );
    expect(verdict).toMatchObject({ outcome: 'adopt', variant: 'sure' });
    expect(verdict.reasons.join(' ')).toMatch(/lost: 5 of 5/);
  });

  test('no comparison at all is inconclusive', () => {
    expect(decide(planOf({}), [], [], [])).toMatchObject({ outcome: 'inconclusive', variant: null });
  });
});

function verdictOf(row: Row): Verdict {
  const plan = planOf({ ...row.plan, guardrails: row.guardrail === undefined ? [] : [row.guardrail.rule] });
  const comparisons = [evidence({ ...row, metric: plan.primary })];
  const interval = row.guardrail?.interval;
  if (row.guardrail !== undefined && interval !== undefined) {
    const { rule, ratio } = row.guardrail;
    comparisons.push({
      ...evidence({ primary: interval, ...(ratio === undefined ? {} : { ratio }), metric: rule.metric }),
      role: 'guardrail',
    });
  }
  return decide(plan, comparisons, row.checks ?? [], row.failures ?? []);
}

function planOf(changes: Partial<RegisteredPlan>): RegisteredPlan {
  return {
    primary: 'accuracy',
    question: 'algorithm',
    test: 'superiority',
    margin: 0,
    marginRelative: false,
    confidence: 0.95,
    resamples: 20_000,
    correction: 'holm',
    metrics: [],
    guardrails: [],
    seeds: [1, 2, 3, 4, 5],
    unit: null,
    slices: [],
    ...changes,
  };
}

function evidence(row: Pick<Row, 'primary' | 'ratio' | 'claim'> & { metric?: string }): Evidence {
  const [difference, low, high] = row.primary ?? [0.02, 0.01, 0.03];
  const ratio = row.ratio === undefined ? null : { estimate: row.ratio[0], low: row.ratio[1], high: row.ratio[2] };
  return {
    control: 'mlp',
    variant: 'cnn',
    metric: row.metric ?? 'accuracy',
    difference,
    low,
    high,
    confidence: 0.95,
    claim: row.claim ?? 'algorithm',
    method: 'variance-components',
    resamples: null,
    pValue: null,
    adjustedPValue: null,
    probabilityOfImprovement: null,
    posteriorProbabilityBetter: null,
    detectableDifference: null,
    ratio,
    role: 'primary',
    n: 1000,
    notes: [],
  };
}
