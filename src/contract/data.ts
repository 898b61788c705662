import type { Ref } from './refs';

export const splitNames = ['train', 'validation', 'test'] as const;
export type SplitName = (typeof splitNames)[number];

export interface ColumnProfile {
  name: string;
  kind: 'number' | 'category';
  count: number;
  missing: number;
  distinct: number;
  /** Numbers: min, max, mean, standard deviation (n - 1); absent where there is no finite value. */
  min?: number;
  max?: number;
  mean?: number;
  deviation?: number;
  /** Numbers: a sorted sample (every value up to 10,000 rows, evenly spaced order statistics beyond). */
  sample?: number[];
  /** Categories: counts of the commonest 1,000 values; the rest are summed in `otherCount`. */
  counts?: Record<string, number>;
  otherCount?: number;
}

/** Kept as an object beside the snapshot, so that later drift checks need no raw data of the past. */
export interface SplitProfile {
  rows: number;
  classes: Record<string, number>;
  columns: ColumnProfile[];
}

/** The record of a snapshot, an object in the store. Its own digest names the snapshot. */
export interface Snapshot {
  schema: 'assay.snapshot/1';
  source: string;
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
}

/** What the workflow carries of a snapshot: small. */
export interface SnapshotSummary {
  ref: Ref;
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
}
