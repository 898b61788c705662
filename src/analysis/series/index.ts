export { type Claim, claimOf } from './claim';
export { lookAt, type Look, type SequenceStep } from './look';
export { addUnits, type MeanMetric, meanMetrics, noUnits, type UnitDifference, unitDifferences } from './units';
export { budgetUsed, seriesQuestion, seriesSummary } from './summary';
