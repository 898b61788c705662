/** Pure numerics: no I/O, no clock, seeded generators only. A bad argument throws RangeError or TypeError naming it. */
export * from './bayes';
export * from './drift';
export * from './intervals/improvement';
export * from './intervals/proportion';
export { type VarianceComponents, varianceComponents, varianceComponentsInfluence } from './intervals/variance-components';
export { influenceValues, metricValue } from './metrics/influence';
export {
  type Average,
  accuracy,
  balancedAccuracy,
  type ClassOptions,
  confusionMatrix,
  fBeta,
  perClass,
  precision,
  recall,
} from './metrics/labels';
export { brierScore, expectedCalibrationError, logLoss, rocAuc } from './metrics/scores';
export * from './planning';
export { binomial } from './random/binomial';
export { Generator } from './random/generator';
export * from './resample/blocks';
export { bootstrap } from './resample/bootstrap';
export { type PairedBootstrapOptions, type PairedBootstrapResult, pairedBootstrap } from './resample/paired';
export { type PairedBootstrapInput, type PairedResampler, pairedResampler } from './resample/resampler';
export { incompleteBeta } from './special/beta';
export * from './special/distributions';
export { incompleteGamma, logGamma } from './special/gamma';
export { kolmogorovSurvival } from './special/kolmogorov';
export { erfc, normalCdf, normalPdf, normalQuantile } from './special/normal';
export { quantile } from './special/quantile';
export { binomialTest, mcnemar } from './tests/binomial';
export { chiSquareContingency, chiSquareGoodnessOfFit, fisherExact } from './tests/chi-square';
export { delong } from './tests/delong';
export { ksTwoSample } from './tests/ks';
export { pairedTTest } from './tests/mean';
export { adjustPValues } from './tests/multiple';
export { sampleRatio } from './tests/sample-ratio';
export type { Alternative, BootstrapMetric, Interval, LabelMetric, ScoreMetric, TestResult } from './types';
