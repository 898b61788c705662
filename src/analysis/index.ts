export { alignRun, some, type Aligned } from './align';
export { analyse } from './analyse';
export { decide, type ArmFailures, type Evidence } from './decide';
export { latencyBlocks, latencySummary } from './latency';
export {
  bootstrapSeed,
  seedsForAlgorithm,
  type Analysis,
  type AnalysisInput,
  type AnalysisRun,
  type RunConduct,
  type AnalysisVariant,
  type LatencyInput,
} from './types';
