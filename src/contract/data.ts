import type { Ref } from './refs';

export const splitNames = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof splitNames)[number];

export interface ColumnProfile {
  name: string;
  kind: 'number' | 'category' | 'time';
  /** Rows with a value. */
  count: number;
  missing: number;
  /** Exact up to 1,000 distinct values, an estimate (HyperLogLog) beyond. */
  distinct: number;
  /** Numbers and times (milliseconds since 1970): min, max, mean, standard deviation (n - 1); absent where there is no finite value. */
  min?: number;
  max?: number;
  mean?: number;
  deviation?: number;
  /** Numbers and times: sorted; every value up to 10,000 of them, evenly spaced order statistics beyond. */
  sample?: number[];
  /** Categories: counts of the commonest 1,000 values; the rest are summed in `otherCount`. */
  counts?: Record<string, number>;
  otherCount?: number;
  /** How far random halves of these data are apart, so that thresholds fit the data's own noise (units, repeats); absent under 100 rows. */
  noise?: ColumnNoise;
}

/** From halves drawn by unit: the mean over the splits of the scaled distance, and what independent rows would give. */
export interface ColumnNoise {
  /** Units with rows of the column, from which the halves are drawn. */
  units: number;
  /** Factor by which the variance of the distance between halves exceeds that of independent rows; at least 1. Effective rows: rows / designEffect. */
  designEffect: number;
}

/** Kept as an object beside the snapshot, so that later drift checks need no raw data of the past. */
export interface SplitProfile {
  rows: number;
  classes: Record<string, number>;
  columns: ColumnProfile[];
}

/** What a model said of the test rows, as columns: `prediction` (category) and `score of <class>` (number). */
export interface PredictionProfile {
  schema: 'assay.predictions-profile/1';
  rows: number;
  columns: ColumnProfile[];
}

/** The record of a snapshot, an object in the store. Its own digest names the snapshot. */
export interface Snapshot {
  schema: 'assay.snapshot/2';
  source: string;
  /** Where the bytes came from, and their version there. */
  origin: Origin;
  kind: 'table' | 'folder';
  /** Manifest of the data files, canonical. */
  data: Ref;
  /** For tables: name of the one data file inside the manifest, and its format. */
  file: string | null;
  format: 'csv' | 'parquet' | 'jsonl' | 'npz' | 'folder';
  rows: number;
  label: string;
  id: string | null;
  unit: string | null;
  classes: string[];
  /** JSON-lines objects: {id, label, row|path, unit?} in order of id. `label` is the class name. */
  splits: Record<SplitName, { rows: number; ref: Ref }>;
  profiles: Record<SplitName, Ref>;
  overlap: Overlap;
  leaks: Leaks;
  /** Units (rows where no unit is named) in each split, and the shares the spec asked for; null where files or a time name the splits. */
  units: Record<SplitName, number>;
  shares: Record<SplitName, number> | null;
  /** Parts of the test rows named by `data.slices`; `ref` is one byte a row, 1 where it belongs, in the order of the test split. Absent where none are named. */
  slices?: { name: string; where: string; rows: number; ref: Ref }[];
}

/** Rows of two splits with the same features, whatever their ids and labels. */
export interface Overlap {
  pairs: { splits: [SplitName, SplitName]; rows: number; examples: [string, string][] }[];
}

/** What would let a model know the answer beforehand. */
export interface Leaks {
  /** Rows of the second split that are almost a row of the first; `examples` are the first five, with their similarity, 0 to 1. Null: not asked for. */
  nearDuplicates: {
    bound: number;
    method: string;
    pairs: { splits: [SplitName, SplitName]; rows: number; examples: [string, string, number][] }[];
  } | null;
  /** Units that stand in two splits, which files or a time can bring about; a split by id draws rows of units on purpose. */
  unitsAcross: { splits: [SplitName, SplitName]; units: number; examples: string[] }[];
  /** Columns that alone tell the class (one against the rest) by the area under the curve of the training rows, highest first; only those above the bound, one entry a column. */
  revealing: { column: string; class: string; auc: number }[];
}

/** Where a source's bytes came from. */
export type Origin =
  | { kind: 'local' }
  | { kind: 'builtin'; name: string }
  | { kind: 'snapshot'; digest: string }
  /** `versions`: version id (ETag where the bucket keeps no versions) of each path. */
  | { kind: 's3'; bucket: string; prefix: string; versions: Ref }
  | { kind: 'dvc'; file: string; path: string; md5: string; rev: string | null; remote: string | null };

/** refs/snapshots/by-digest/<hex of the manifest's digest>: a snapshot of data as such, before any split. */
export interface SnapshotRecord {
  schema: 'assay.snapshot-record/1';
  /** Canonical manifest of the files; its digest is the snapshot's name. */
  manifest: Ref;
  source: string;
  origin: Origin;
  /** Null for files of no known format. */
  format: Snapshot['format'] | null;
  files: number;
  bytes: number;
  createdAt: string;
  /** A `Provenance` object. */
  provenance: Ref | null;
  /** A `TableProfile` object: of all rows, before any split; null where the files are no table. */
  profile: Ref | null;
}

/** What `snapshot show`, `diff` and `drift` know of a table without reading it. */
export interface TableProfile {
  schema: 'assay.table-profile/1';
  rows: number;
  columns: ColumnProfile[];
}

/** What is different between two snapshots. Rows are compared by `id` where one is named, else by their content. */
export interface SnapshotDiff {
  from: string;
  to: string;
  files: { added: string[]; removed: string[]; changed: string[]; unchanged: number };
  rows: {
    added: number;
    removed: number;
    changed: number;
    unchanged: number;
    examples: { added: string[]; removed: string[]; changed: string[] };
  } | null;
  schema: { added: string[]; removed: string[]; changed: { column: string; from: string; to: string }[] };
}

/** What the workflow carries of a snapshot: small. */
export interface SnapshotSummary {
  ref: Ref;
  /** Of the manifest of the data, as `assay snapshot` names it; absent in histories of earlier versions. */
  digest?: string;
  rows: number;
  splits: Record<SplitName, number>;
}

export interface Check {
  name: string;
  status: 'pass' | 'warn' | 'fail';
  /** A failed gate makes the comparison `invalid`; other failures are findings. */
  gate: boolean;
  statistic: number | null;
  pValue: number | null;
  /** One sentence for a person: what, how much, where. */
  detail: string;
  /** What to do about it; absent where it passed. */
  mend?: string;
  /** Of drift and covariate checks: what moved, strongest first; at most 20, all alarms first. */
  findings?: DriftFinding[];
}

export interface DriftFinding {
  /** A column; `label`, `prediction`, `score of <class>`; or `all columns together`. */
  column: string;
  what: 'distribution' | 'missing' | 'new-category' | 'schema' | 'label' | 'prediction' | 'multivariate';
  test: 'ks' | 'wasserstein' | 'chi-square' | 'g' | 'two-proportions' | 'classifier' | 'mmd' | 'none';
  statistic: number | null;
  pValue: number | null;
  /** After the false-discovery control over all columns and tests of this comparison. */
  adjustedPValue: number | null;
  /** Size of the change, and the bound from which it matters; an alarm needs p and size. */
  effect: { name: 'ks-distance' | 'cramers-v' | 'difference-of-shares' | 'auc' | 'mmd'; value: number; bound: number };
  /** Further sizes, for display: PSI, Jensen-Shannon distance, Wasserstein distance in standard deviations of the reference. */
  sizes: Record<string, number>;
  alarm: boolean;
  /** What moved and by how much, one sentence. */
  detail: string;
  /** Where: the segment or values that moved most, and rows that show it (ids). */
  where: { segment: string; share: { reference: number; current: number }; rows: string[] } | null;
  /** When it began, as the time column has it; null without one. */
  since: string | null;
  mend: string;
  /** Shares by bin or category of both sides, for the picture; bins are [edge i, edge i+1). */
  picture: {
    labels: string[] | null;
    edges: number[] | null;
    reference: number[];
    current: number[];
    /** Rows behind each side; absent in findings of earlier versions. */
    n?: { reference: number; current: number };
  } | null;
}

/** What `assay drift` prints with --json. */
export interface DriftReport {
  schema: 'assay.drift/1';
  reference: { name: string; digest: string | null; rows: number };
  current: { name: string; digest: string | null; rows: number };
  alpha: number;
  minEffect: number;
  correction: 'benjamini-hochberg';
  alarms: number;
  /** One sentence a person would say. */
  sentence: string;
  findings: DriftFinding[];
  /** Time-ordered detection, where a time column was named. */
  stream: StreamFinding[];
}

export interface StreamFinding {
  column: string;
  detector: 'adwin' | 'page-hinkley' | 'ddm';
  /** Rows to a false alarm that were wanted; and the mean run length that the reference gave at the threshold used, rows. */
  wanted: number;
  meanRunLength: number;
  /** Row at which it was noticed, and the window in which it began; null where nothing was. */
  detectedAt: { row: number; time: string | null } | null;
  began: { fromRow: number; toRow: number; fromTime: string | null; toTime: string | null } | null;
  detail: string;
}
