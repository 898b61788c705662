export { classBalanceCheck } from './classBalance';
export { type ColumnFinding, compareColumns, covariateChecks } from './covariates';
export { driftCheck } from './drift';
export { type MeasuredOverlap, overlapCheck } from './overlap';
export { pairsCheck } from './pairs';
export { parameterCheck } from './parameters';
export { type Profiles, runDataChecks } from './runDataChecks';
export { splitRatioCheck } from './splitRatio';
