import type { Breakdown, Check, FailureCounts, RegisteredPlan, Remedy, TelemetrySummary, VariantResult, Verdict } from '../contract';
import type { Evidence } from './decide';

/** Everything the analysis looks at; plain data, so that the experiment and `assay compare` share it. */
export interface AnalysisInput {
  plan: RegisteredPlan;
  classes: string[];
  /** Test rows; `labels`, `units` and every run's scores are in this order. Their order changes no number. */
  ids: string[];
  /** Index into `classes`. */
  labels: Int32Array;
  /** What is sampled independently (e.g. a user), as any integers; null where rows are. */
  units: Int32Array | null;
  variants: AnalysisVariant[];
  latency: LatencyInput[] | null;
  /** Checks made before: snapshot, overlap, parameters and so on. */
  dataChecks: Check[];
  /** The spec declared beforehand that variants may be trained with different remedies; default false. */
  unequalRemedies?: boolean;
  /** A wall-clock budget ends the runs, so that a slowed device trains less: clocks then confound every metric. Default false. */
  wallClockBudget?: boolean;
  /** Columns of the test rows that slices are searched in; null or absent where none are known. */
  columns?: TestColumn[] | null;
  /** Which rows belong to each slice of the plan; a slice that is not here is reported without rows. */
  slices?: { name: string; rows: Uint8Array }[];
  /** Seed of every resampling; default `bootstrapSeed`. Each metric starts from it anew, so that no number depends on which others are asked for. */
  seed?: number;
}

/** One column, in the order of `ids`. A number that is missing is NaN, a text that is missing is empty. Times are milliseconds since 1970. */
export type TestColumn =
  | { name: string; kind: 'number'; values: Float64Array; time?: boolean }
  | { name: string; kind: 'category'; values: string[] };

export interface AnalysisVariant {
  name: string;
  control: boolean;
  /** Evaluated only: its one run stands for every seed. */
  pretrained?: boolean;
  /** A person ended its runs: shown with what it has, compared with nothing. Default false. */
  stopped?: boolean;
  params: Record<string, unknown>;
  runs: AnalysisRun[];
}

export interface AnalysisRun {
  seed: number;
  status: 'done' | 'failed';
  /** Row-major rows x classes, in the order of `ids` (see alignRun); null where there are none. */
  scores: Float64Array | null;
  /** Why the predictions of a finished run could not be paired (alignRun's problem). */
  problem?: string | null;
  trainerMetrics?: Record<string, number>;
  seconds: number | null;
  peakMemoryBytes: number | null;
  /** How it went; absent where predictions are all that is known. */
  conduct?: RunConduct;
}

export interface RunConduct {
  remedy: Remedy;
  failures: FailureCounts;
  leaks: string[];
  /** `cpu`, or the model of the device; null for a run without a record. */
  deviceModel: string | null;
  /** Null without devices. */
  telemetry: TelemetrySummary | null;
  dataStall: number | null;
}

export interface LatencyInput {
  variant: string;
  /** Milliseconds a batch, by block number; block i of one variant is paired with block i of the other. */
  blocks: Float64Array[];
  /** Samples a batch. */
  batch: number;
  /** Lines left out before: warm-up and partial batches. */
  dropped?: number;
  /** Blocks left out whole, since the device was throttled during them. */
  throttled?: number;
}

export interface Analysis {
  variants: (Pick<VariantResult, 'name' | 'control' | 'params' | 'metrics' | 'perClass' | 'latency'> & {
    /** Each run's own metrics, from its predictions. */
    runs: { seed: number; metrics: Record<string, number | null> }[];
  })[];
  comparisons: Comparisons;
  breakdowns: Breakdown[];
  checks: Check[];
  verdict: Verdict;
}

type Comparisons = Omit<Evidence, 'components' | 'confounded' | 'pairs' | 'shrunk'>[];

/** Fewer paired seeds than this cannot answer for the algorithm. */
export const seedsForAlgorithm = 5;

/** Seed of every resampling unless the input names another: the same data and plan give the same bytes. */
export const bootstrapSeed = 20_261_121;
