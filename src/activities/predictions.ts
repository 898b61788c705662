import { checkOf, driftFindings, settle } from '../checks';
import { type Check, type PredictionProfile, type Ref, type ResolvedSpec, refNames } from '../contract';
import { profilePredictions } from '../data';
import type { Store } from '../store';

/** Scores of one finished run, row-major rows x classes, in the order of the test split. */
export interface Predicted {
  variant: string;
  seed: number;
  scores: ArrayLike<number>;
}

/**
 * Profiles of what each variant predicted, by the run of its lowest seed, stored; and a check of them against the experiment of this name
 * before. No check where there was none, or where no variant has kept its name.
 */
export async function predictionDrift(
  store: Store,
  spec: Pick<ResolvedSpec, 'name' | 'checks'>,
  classes: readonly string[],
  runs: readonly Predicted[],
): Promise<{ checks: Check[]; profiles: Record<string, Ref> }> {
  const first = new Map<string, Predicted>();
  for (const run of [...runs].sort((a, b) => a.seed - b.seed)) if (!first.has(run.variant)) first.set(run.variant, run);
  const current = new Map([...first].map(([variant, { scores }]) => [variant, profilePredictions({ classes, scores })]));
  const profiles: Record<string, Ref> = {};
  for (const [variant, profile] of current) profiles[variant] = await store.putJson(profile);
  const { against, alpha, minEffect } = spec.checks.drift;
  const before = against === 'previous' ? await store.refs.get<Record<string, Ref>>(refNames.latestPredictions(spec.name)) : null;
  const findings = [];
  for (const [variant, ref] of Object.entries(before?.value ?? {})) {
    const now = current.get(variant);
    if (now === undefined) continue;
    const reference = await store.getJson<PredictionProfile>(ref);
    const found = driftFindings(reference, now, { alpha, minEffect, between, predictions: true });
    findings.push(...found.map((finding) => ({ ...finding, column: `${variant}: ${finding.column}` })));
  }
  if (findings.length === 0) return { checks: [], profiles };
  return { checks: [checkOf('prediction-drift', settle(findings, alpha), { alpha, minEffect, between })], profiles };
}

const between = { reference: 'the experiment before', current: 'this one' };
