import type { Check, ResolvedSpec, Snapshot, SplitName, SplitProfile } from '../contract';
import { classBalanceCheck } from './classBalance';
import { covariateChecks } from './covariates';
import { driftCheck } from './drift';
import { type MeasuredOverlap, overlapCheck } from './overlap';
import { parameterCheck } from './parameters';
import { splitRatioCheck } from './splitRatio';

export type Profiles = Record<SplitName, SplitProfile>;

/** What the data room records beside the contract's snapshot. */
interface Measured {
  overlap?: MeasuredOverlap;
  units?: Record<SplitName, number>;
  shares?: Record<SplitName, number> | null;
}

/** All checks that need no runs. Gates: parameters, overlap, sample-ratio; the rest are findings. */
export function runDataChecks({
  spec,
  snapshot,
  profiles,
  previous,
  overlap,
}: {
  spec: ResolvedSpec;
  snapshot: Snapshot & Measured;
  profiles: Profiles;
  /** The snapshot before of the same experiment name. */
  previous: { profiles: Profiles; digest: string } | null;
  /** Default: what the snapshot records. */
  overlap?: MeasuredOverlap;
}): Check[] {
  const { covariates, srm, drift } = spec.checks;
  return [
    parameterCheck(spec),
    overlapCheck(overlap ?? snapshot.overlap),
    splitRatioCheck(snapshot.units ?? rowsOf(snapshot), snapshot.shares ?? null, srm.alpha),
    classBalanceCheck(profiles, covariates),
    ...covariateChecks(profiles, covariates),
    ...(drift.against === 'none'
      ? []
      : [previous === null ? firstSnapshot : driftCheck(previous.profiles.train, profiles.train, covariates)]),
  ];
}

const firstSnapshot: Check = {
  name: 'drift',
  gate: false,
  status: 'pass',
  statistic: null,
  pValue: null,
  detail: 'There is no earlier snapshot of this experiment to compare with.',
};

const rowsOf = ({ splits }: Snapshot): Record<SplitName, number> => ({
  train: splits.train.rows,
  validation: splits.validation.rows,
  test: splits.test.rows,
});
