export { classBalanceCheck } from './classBalance';
export { covariateChecks } from './covariates';
export {
  type Between,
  checkOf,
  columnsToLocate,
  driftCheck,
  driftFindings,
  driftReport,
  locate,
  type Limits,
  type NamedSide,
  settle,
  type Side,
  sideOfTable,
} from './drift';
export { leakChecks } from './leaks';
export { classifierDrift, mmdDrift, type MultivariateOptions } from './multivariate';
export { overlapCheck } from './overlap';
export { pairsCheck } from './pairs';
export { parameterCheck } from './parameters';
export { type Profiles, runDataChecks } from './runDataChecks';
export type { Sample } from './samples';
export { servingConsistency } from './serving';
export { splitRatioCheck } from './splitRatio';
export { detectStream, type Stream } from './stream';
export { reweight, type Reweighted, weightedMetric } from './weights';
