import { AssayError, type Check, type Result, type Verdict } from '../../contract';
import { answer } from '../answer';
import { type Change, changesBetween, type Side } from './changes';
import { type EffectPair, effectsBetween, type MetricPair, metricsBetween } from './effects';

export interface Circumstances {
  /** Test rows that are in both, by id; null where nobody knows. */
  sharedTestRows: number | null;
  /** The series that both are looks of. */
  series?: { name: string; looks: [number, number] };
}

/** What `assay report A --against B --format json` prints: everywhere B comes first, and differences are A minus B. */
export interface Against {
  schema: 'assay.against/1';
  experiment: AgainstSide;
  against: AgainstSide;
  series: { name: string; looks: [number, number] } | null;
  sharedTestRows: number | null;
  /** Whether both specs are still there to be compared. */
  specsKnown: boolean;
  changes: Change[];
  effects: EffectPair[];
  metrics: MetricPair[];
  checks: CheckPair[];
}

export interface AgainstSide {
  experiment: string;
  name: string;
  finishedAt: string;
  verdict: Verdict;
  answer: string;
  testRows: number;
  snapshot: string;
  seeds: number[];
}

/** A check whose status is another one, or whose finding is; null where it was not run. */
export interface CheckPair {
  name: string;
  before: Pick<Check, 'status' | 'detail'> | null;
  after: Pick<Check, 'status' | 'detail'> | null;
}

/**
 * What is different between two experiments, and what that did to the answer.
 * @throws `Conflict` where they are one and the same, or have no metric of a candidate in common.
 */
export function compareResults(after: Side, before: Side, { sharedTestRows, series }: Circumstances): Against {
  if (after.result.experiment === before.result.experiment)
    throw new AssayError('Conflict', `${after.result.experiment} cannot be compared with itself: name another experiment after --against`);
  const effects = effectsBetween(after.result, before.result, sharedTestRows);
  if (effects.length === 0)
    throw new AssayError(
      'Conflict',
      `${after.result.experiment} and ${before.result.experiment} cannot be compared: the first compares ${compared(after.result)}, the second ${compared(before.result)}; expected a metric of a candidate that both compare`,
    );
  return {
    schema: 'assay.against/1',
    experiment: sideOf(after.result),
    against: sideOf(before.result),
    series: series ?? null,
    sharedTestRows,
    specsKnown: after.spec !== null && before.spec !== null,
    changes: changesBetween(after, before),
    effects,
    metrics: metricsBetween(after.result, before.result),
    checks: checksBetween(after.result.checks, before.result.checks),
  };
}

function compared({ comparisons }: Result): string {
  const pairs = [...new Set(comparisons.map(({ metric, variant }) => `${metric} of ${variant}`))];
  return pairs.length === 0 ? 'nothing' : `${pairs.slice(0, 6).join(', ')}${pairs.length > 6 ? ', …' : ''}`;
}

const sideOf = (result: Result): AgainstSide => ({
  experiment: result.experiment,
  name: result.name,
  finishedAt: result.finishedAt,
  verdict: result.verdict,
  answer: answer(result),
  testRows: result.snapshot.splits.test,
  snapshot: result.snapshot.digest,
  seeds: result.plan.seeds,
});

function checksBetween(after: readonly Check[], before: readonly Check[]): CheckPair[] {
  const find = (checks: readonly Check[], name: string): CheckPair['after'] => {
    const found = checks.find((check) => check.name === name);
    return found === undefined ? null : { status: found.status, detail: found.detail };
  };
  return [...new Set([...after, ...before].map(({ name }) => name))]
    .map((name) => ({ name, before: find(before, name), after: find(after, name) }))
    .filter(
      (pair) => pair.before?.status !== pair.after?.status || (pair.after?.status !== 'pass' && pair.before?.detail !== pair.after?.detail),
    );
}
