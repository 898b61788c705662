export { alignRun, some, type Aligned } from './align';
export { analyse } from './analyse';
export { decide, type ArmFailures, type Evidence } from './decide';
export { latencyBlocks, latencySummary } from './latency';
export { planExperiment, type Outlook, type PlanningInput, type Scenario } from './planning/planning';
export { checkPlanning } from './planning/aim';
export { measureNoise, type MeasuredNoise, type Pilot } from './planning/noise';
export { compareRun, differences, failedRun, replaySentence, type RunStreams, stepStreams } from './replay';
export {
  bootstrapSeed,
  seedsForAlgorithm,
  type Analysis,
  type AnalysisInput,
  type AnalysisRun,
  type RunConduct,
  type AnalysisVariant,
  type LatencyInput,
  type TestColumn,
} from './types';
