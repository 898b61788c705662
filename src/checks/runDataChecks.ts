import type { Check, DriftFinding, ResolvedSpec, Snapshot, SplitName, SplitProfile, TableProfile } from '../contract';
import { classBalanceCheck } from './classBalance';
import { covariateChecks } from './covariates';
import { driftCheck, type Side, sideOfTable } from './drift';
import { leakChecks } from './leaks';
import { overlapCheck } from './overlap';
import { parameterCheck } from './parameters';
import { splitRatioCheck } from './splitRatio';

export type Profiles = Record<SplitName, SplitProfile>;

/** All checks that need no runs. Gates: parameters, overlap, sample-ratio, units across splits; the rest are findings. */
export function runDataChecks({
  spec,
  snapshot,
  profiles,
  reference,
  multivariate = [],
}: {
  spec: ResolvedSpec;
  snapshot: Snapshot;
  profiles: Profiles;
  /** What drift is measured against: the profiles of an earlier snapshot's splits, or of a table; `name` as in "than in NAME". */
  reference: { name: string; profiles: Profiles | TableProfile } | null;
  /** Tests of all columns together against the reference. */
  multivariate?: readonly DriftFinding[];
}): Check[] {
  const { covariates, srm, drift } = spec.checks;
  return [
    parameterCheck(spec),
    overlapCheck(snapshot.overlap),
    splitRatioCheck(snapshot.units, snapshot.shares, srm.alpha),
    ...leakChecks(snapshot.leaks),
    classBalanceCheck(profiles, covariates),
    ...covariateChecks(profiles, covariates, spec.data.split),
    ...(drift.against === 'none'
      ? []
      : [reference === null ? firstSnapshot : against(reference, snapshot, profiles, { ...drift, multivariate })]),
  ];
}

/** The training rows are compared: with those of before, or with a table whole. */
function against(
  { name, profiles: before }: { name: string; profiles: Profiles | TableProfile },
  { label, id, unit }: Snapshot,
  profiles: Profiles,
  { alpha, minEffect, multivariate }: { alpha: number; minEffect: number; multivariate: readonly DriftFinding[] },
): Check {
  const side: Side = 'train' in before ? before.train : sideOfTable(before, { label, id, unit });
  return driftCheck(side, profiles.train, { alpha, minEffect, between: { reference: name, current: 'this snapshot' }, multivariate });
}

const firstSnapshot: Check = {
  name: 'drift',
  gate: false,
  status: 'pass',
  statistic: null,
  pValue: null,
  detail: 'There is no earlier snapshot of this experiment to compare with.',
};
