import type { Result } from '../../src/contract';
import { type Against, compareResults } from '../../src/report';
import { makeResult } from './fixture';

/** An experiment of which no run gave a result. */
export function withoutVerdict(): Result {
  const result = makeResult();
  const sentence = 'There is no comparison of accuracy to decide on; inconclusive';
  Object.assign(result, {
    comparisons: [],
    breakdowns: [],
    verdict: { outcome: 'inconclusive', harm: false, variant: null, sentence, reasons: [] },
  });
  for (const variant of result.variants) {
    Object.assign(variant, { metrics: {}, perClass: [], latency: null });
    for (const run of variant.runs) {
      const failure = { type: 'TrainerFailed', message: 'Traceback\nValueError: bad' };
      Object.assign(run, { status: 'failed', curve: [], metrics: {}, failure });
    }
  }
  return result;
}

/** The fixture a day later: other data, another learning rate, one seed more, a larger effect, a check that passes again. */
export function later(): Result {
  const result = makeResult();
  Object.assign(result, { experiment: 'digits-20261122-020000-x7mm', finishedAt: '2026-11-22T02:09:48.000Z' });
  Object.assign(result.snapshot, { digest: `sha256:${'1'.repeat(64)}`, record: `sha256:${'2'.repeat(64)}` });
  result.snapshot.splits.test = 420;
  result.plan.seeds = [1, 2, 3, 4, 5, 6];
  result.provenance.environment['numpy'] = '2.5.0';
  for (const each of result.comparisons) {
    if (each.difference === null || each.low === null || each.high === null) continue;
    Object.assign(each, { difference: each.difference + 0.01, low: each.low + 0.01, high: each.high + 0.01 });
  }
  const covariates = result.checks.find(({ name }) => name === 'covariates');
  if (covariates) Object.assign(covariates, { status: 'pass', detail: 'All columns are alike.' });
  return result;
}

const specOf = (lr: number): object => ({ name: 'digits', variants: [{ name: 'logistic' }, { name: 'mlp', params: { lr } }], seeds: 5 });

export const againstFixture = (
  sharedTestRows: number | null = 0,
  change: (after: Result, before: Result) => void = () => undefined,
): Against => {
  const [after, before] = [later(), makeResult()];
  change(after, before);
  return compareResults({ result: after, spec: specOf(0.02) }, { result: before, spec: specOf(0.01) }, { sharedTestRows });
};
