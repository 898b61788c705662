import type { Breakdown } from './breakdown';
import type { Check, SplitName } from './data';
import type { FailureCounts } from './activities';
import type { TelemetrySummary } from './gpu';
import type { Ref } from './refs';
import type { Remedy } from './run';
import type { Approval, AuditEntry } from './steering';
import type { Outcome } from './statuses';

/** `assay.result/1`: what `run --json` and `report --format json` print. Undefined numbers are null, never NaN. */
export interface Result {
  schema: 'assay.result/1';
  experiment: string;
  name: string;
  hypothesis: string | null;
  owner: string | null;
  startedAt: string;
  finishedAt: string;
  workflow: { id: string; runId: string; url: string | null };
  verdict: Verdict;
  /** The registered question and rule, as fixed before the first run. */
  plan: RegisteredPlan;
  /** `digest`: of the manifest of the data, what `assay snapshot show` takes; `record`: of the `Snapshot` object with its splits. */
  snapshot: { digest: string; record: string; source: string; rows: number; splits: Record<SplitName, number>; classes: string[] };
  variants: VariantResult[];
  comparisons: Comparison[];
  /** One a candidate. */
  breakdowns: Breakdown[];
  checks: Check[];
  provenance: Provenance;
  /** What people and programs did to it while it ran. */
  audit: AuditEntry[];
  /** Null where the verdict needs nobody. */
  approval: Approval | null;
  /** Rows of the test split that are answered most differently, one a candidate; absent in results of earlier versions, as what follows. */
  disagreements?: Disagreements[];
  /** Every object that the result was made from, in order of `name`: what `assay verify` reads again. */
  contents?: Content[];
}

/** An object of the store under the name that a person knows it by: `snapshot/test`, `runs/cnn/seed-1/predictions/scores.npy`. */
export interface Content extends Ref {
  name: string;
}

export interface Disagreements {
  control: string;
  variant: string;
  /** Test rows, and how many of them get another class from one than from the other (means of the seeds' scores). */
  of: number;
  differing: number;
  /** Those of the largest `gap` in falling order, then in the order of the test split; at most 20, none where both answer every row alike. */
  rows: DisagreementRow[];
  /** False where `report.content` of the spec leaves the content of the rows out. */
  withContent: boolean;
}

export interface DisagreementRow {
  id: string;
  label: string;
  control: Answer;
  variant: Answer;
  /** Half the sum of the absolute differences of the mean scores, 0 to 1. */
  gap: number;
  /** Null where the content cannot be shown: too large, or no longer there. */
  content: RowContent | null;
}

export interface Answer {
  class: string;
  /** Mean score of that class over the seeds, 0 to 1. */
  score: number;
  /** Seeds whose own answer is this class. */
  seeds: number;
}

export type RowContent =
  /** The row's columns but label, id and unit, in the file's order: at most 256 of `columns`, texts of at most 500 characters. */
  | { kind: 'columns'; values: [string, string | number | null][]; columns: number }
  /** At most 2,000 characters; `cut` where there were more. */
  | { kind: 'text'; text: string; cut: boolean }
  /** At most 64 x 64 pixels as a data URI of a PNG; `width` and `height` of the original. Also of columns that are the pixels of one. */
  | { kind: 'image'; uri: string; width: number; height: number };

export interface Verdict {
  outcome: Outcome;
  harm: boolean;
  /** The variant to ship: the winner on `adopt`, else null. */
  variant: string | null;
  /** One sentence a person would say. */
  sentence: string;
  reasons: string[];
}

export interface Guardrail {
  metric: string;
  /** Largest tolerated worsening; relative ones are a fraction of the control's value. */
  limit: number;
  relative: boolean;
}

export interface RegisteredPlan {
  primary: string;
  question: 'artifact' | 'algorithm';
  test: 'superiority' | 'non-inferiority' | 'equivalence';
  margin: number;
  marginRelative: boolean;
  confidence: number;
  resamples: number;
  correction: 'holm' | 'none';
  metrics: string[];
  guardrails: Guardrail[];
  /** The registered ones, then those added while it ran. */
  seeds: number[];
  /** Those of `seeds` that were added, a deviation; absent where none were. */
  addedSeeds?: number[];
  /** Candidates that a person stopped, a deviation: not compared, and still counted by the correction. */
  stopped?: string[];
  unit: string | null;
  /** Parts of the test rows that were named beforehand; exploratory. */
  slices: { name: string; where: string }[];
}

export interface VariantResult {
  name: string;
  control: boolean;
  params: Record<string, unknown>;
  runs: RunResult[];
  /** `method` says how the interval was made; bounds are null where none can be stated. */
  metrics: Record<string, { estimate: number | null; low: number | null; high: number | null; method: string }>;
  /** Rows: the class names of `snapshot.classes`; of the pooled seeds. */
  perClass: { class: string; precision: number | null; recall: number | null; f1: number | null; support: number }[];
  /** Quantiles in milliseconds of a batch's wall time; null without a latency phase. */
  latency: LatencySummary | null;
}

export interface LatencySummary {
  count: number;
  blocks: number;
  dropped: number;
  batch: number;
  min: number;
  p25: number;
  p50: number;
  p75: number;
  p95: number;
  /** Null where the number of requests cannot support a 99 % quantile. */
  p99: number | null;
  max: number;
}

export interface RunResult {
  seed: number;
  status: 'done' | 'failed';
  /** Trainer starts. */
  attempts: number;
  resumedFromStep: number | null;
  steps: number;
  samples: number;
  /** Seconds of training over all attempts. */
  seconds: number;
  host: string | null;
  metrics: Record<string, number | null>;
  deviations: string[];
  /** `name@sha256:...`, else the image's id; null for a process. */
  image: string | null;
  imageId: string | null;
  device: { kind: 'cpu' | 'cuda'; model: string; uuids: string[] };
  telemetry: TelemetrySummary | null;
  /** Share of step time spent waiting for data, 0 to 1. */
  dataStall: number | null;
  remedy: Remedy;
  failures: FailureCounts;
  leaks: string[];
  warmStart: { run: string; step: number } | null;
  environment: Record<string, unknown>;
  /** Thinned training curve: at most 200 points. */
  curve: { step: number; loss: number | null; accuracy: number | null }[];
  /** Where a trainer of this run ended before its time and another went on; absent in results of earlier versions, as `usage`. */
  restarts?: Restart[];
  /** Null where no device was watched. */
  usage?: UsageSeries | null;
  failure: { type: string; message: string } | null;
  artifacts: { predictions: Ref | null; events: Ref | null; model: Ref | null; log: Ref | null; result: Ref | null; telemetry: Ref | null };
}

export interface Restart {
  /** The step of the checkpoint it went on from; 0 for the start. */
  step: number;
  /** Seconds of training before it, of what was kept. */
  seconds: number;
  /** What ended the trainer before: the type of the error and its first line, `paused`, or the remedy it is trained under since. */
  cause: string;
}

/** What a run used over its time: at most 120 points, each the mean of its part of the samples over the run's devices (memory: the sum). */
export interface UsageSeries {
  /** Since the first sample; gaps of over 5 s, as between two trainers, are left out. */
  seconds: number[];
  memoryBytes: (number | null)[];
  /** 0 to 1. */
  utilization: (number | null)[];
  smClockMhz: (number | null)[];
  temperatureCelsius: (number | null)[];
  powerWatts: (number | null)[];
  /** Share of the part's samples that were throttled, 0 to 1. */
  throttled: number[];
}

export interface Comparison {
  control: string;
  variant: string;
  metric: string;
  /** Variant minus control, in the metric's unit; null where undefined. */
  difference: number | null;
  low: number | null;
  high: number | null;
  confidence: number;
  claim: 'artifact' | 'algorithm';
  method: string;
  resamples: number | null;
  pValue: number | null;
  adjustedPValue: number | null;
  /** P(variant's run beats control's run), over seed pairs. */
  probabilityOfImprovement: number | null;
  posteriorProbabilityBetter: number | null;
  detectableDifference: number | null;
  /** Ratio variant/control with its interval, where a relative margin or guardrail needs it. */
  ratio: { estimate: number; low: number; high: number } | null;
  role: 'primary' | 'guardrail' | 'secondary';
  /** Test rows (or requests, for latency) behind the number. */
  n: number;
  notes: string[];
}

export interface Provenance {
  assay: string;
  /** `diff`: uncommitted changes against the commit, as `git diff` writes them; null where there are none. */
  git: { commit: string | null; dirty: boolean; remote: string | null; diff: Ref | null };
  /** Where data.source is tracked by DVC. */
  dvc: { file: string; md5: string; rev: string | null } | null;
  /** Digest of the resolved spec. */
  spec: string;
  host: string;
  user: string | null;
  command: string[];
  environment: Record<string, unknown>;
}
