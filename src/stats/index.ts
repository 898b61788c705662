/** Pure numerics: no I/O, no clock, seeded generators only. A bad argument throws RangeError or TypeError naming it. */
export * from './bayes';
export { type CrossFit, type CrossFitOptions, crossFit, type Feature, standardise } from './classifier/cross-fit';
export { fitLogistic, type Logistic, type LogisticOptions } from './classifier/logistic';
export * from './drift';
export { type ImportanceMean, importanceMean } from './importance';
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
export { Adwin, type AdwinOptions } from './streams/adwin';
export { type ChangePoint, changePoint } from './streams/change-point';
export { Ddm, type DdmOptions } from './streams/ddm';
export { PageHinkley, type PageHinkleyOptions } from './streams/page-hinkley';
export { blockLength, type CalibratedThreshold, calibrateRunLength, type RunLengthOptions } from './streams/run-length';
export type { Detector, Signal } from './streams/types';
export { binomialTest, mcnemar } from './tests/binomial';
export { chiSquareContingency, chiSquareGoodnessOfFit, fisherExact, gTest } from './tests/chi-square';
export { delong } from './tests/delong';
export { ksTwoSample } from './tests/ks';
export { pairedTTest } from './tests/mean';
export { type MmdOptions, type MmdResult, mmd } from './tests/mmd';
export { adjustPValues } from './tests/multiple';
export { sampleRatio } from './tests/sample-ratio';
export type { Alternative, BootstrapMetric, Interval, LabelMetric, ScoreMetric, TestResult } from './types';
