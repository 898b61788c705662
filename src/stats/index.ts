/** Pure numerics: no I/O, no clock, seeded generators only. A bad argument throws RangeError or TypeError naming it. */
export { argsort } from './argsort';
export * from './bayes';
export { betaBinomial, type Hits, type ProportionsPosterior } from './beta-binomial';
export { type CrossFit, type CrossFitOptions, crossFit, type Feature, standardise } from './classifier/cross-fit';
export { fitLogistic, type Logistic, type LogisticOptions } from './classifier/logistic';
export * from './drift';
export { type ImportanceMean, importanceMean } from './importance';
export { type CrossedBootstrap, crossedBootstrap } from './intervals/crossed';
export * from './intervals/improvement';
export { type Joint, type JointInput, jointRows, type JointVarianceComponents, jointVarianceComponents } from './intervals/joint';
export { type MaxT, maxT } from './intervals/max-t';
export * from './intervals/proportion';
export { shrinkTowardsMean } from './intervals/shrinkage';
export { type VarianceComponents, varianceComponents, varianceComponentsInfluence } from './intervals/variance-components';
export { cohenKappa, matthewsCorrelation } from './metrics/agreement';
export { averagePrecision } from './metrics/average-precision';
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
export { detectableDifferenceTwoProportions, powerMeans, powerPairedProportions, powerTwoProportions } from './power';
export { binomial } from './random/binomial';
export { Generator } from './random/generator';
export * from './resample/blocks';
export { effectiveUnits, expandedConfidence, expandedPValue } from './resample/expanded';
export { type BootstrapOptions, blockSize, bootstrap } from './resample/bootstrap';
export { type IdealBootstrap, idealAccuracyBootstrap } from './resample/ideal';
export type { Arm, PairedBootstrapInput } from './resample/input';
export type { BootstrapMethod } from './resample/interval';
export {
  type ArmEstimate,
  drawReplicates,
  type PairedBootstrapOptions,
  type PairedBootstrapResult,
  type PairedDifference,
  pairedBootstrap,
  pairedSettings,
  summarisePaired,
} from './resample/paired';
export { type PairedResampler, pairedResampler } from './resample/resampler';
export { type AlwaysValid, alwaysValidInterval } from './sequential/always-valid';
export { discordantEProcess, type EProcess } from './sequential/discordant';
export { type GroupSequentialBounds, type GroupSequentialOptions, groupSequentialBounds, type SpendingFunction } from './sequential/group';
export {
  type AlphaLedger,
  type LedgerPlan,
  type LedgerScheme,
  type Look,
  openLedger,
  recordLook,
  spendOverlapping,
} from './sequential/ledger';
export { incompleteBeta } from './special/beta';
export * from './special/distributions';
export { incompleteGamma, logGamma } from './special/gamma';
export { kolmogorovCdf, kolmogorovSurvival } from './special/kolmogorov';
export { erfc, normalCdf, normalPdf, normalQuantile, normalSurvival } from './special/normal';
export { quantile } from './special/quantile';
export { Adwin, type AdwinOptions } from './streams/adwin';
export { type ChangePoint, changePoint } from './streams/change-point';
export { Ddm, type DdmOptions } from './streams/ddm';
export { PageHinkley, type PageHinkleyOptions } from './streams/page-hinkley';
export { blockLength, type CalibratedThreshold, calibrateRunLength, type RunLengthOptions } from './streams/run-length';
export type { Detector, Signal } from './streams/types';
export { binomialTest, mcnemar } from './tests/binomial';
export { chiSquareContingency, chiSquareGoodnessOfFit, fisherExact, gTest } from './tests/chi-square';
export { cochranQ } from './tests/cochran';
export { delong } from './tests/delong';
export { friedman } from './tests/friedman';
export { ksTwoSample } from './tests/ks';
export { type MannWhitney, mannWhitneyU } from './tests/mann-whitney';
export { pairedTTest } from './tests/mean';
export { type MmdOptions, type MmdResult, mmd } from './tests/mmd';
export { adjustPValues } from './tests/multiple';
export { type PairedPermutation, type PairedPermutationInput, pairedPermutation } from './tests/permutation';
export { sampleRatio } from './tests/sample-ratio';
export { bowker, stuartMaxwell } from './tests/symmetry';
export { welchTTest } from './tests/welch';
export { type WilcoxonSignedRank, wilcoxonSignedRank } from './tests/wilcoxon';
export type { Alternative, BootstrapMetric, Interval, LabelMetric, ScoreMetric, TestResult } from './types';
