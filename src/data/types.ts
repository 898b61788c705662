import type { Snapshot, SplitName } from '../contract';

/** Rows of two splits with the same features, whatever their ids and labels. */
export interface Overlap {
  pairs: { splits: [SplitName, SplitName]; rows: number; examples: [string, string][] }[];
}

/** A snapshot with what its checks need beyond the profiles. */
export interface DataSnapshot extends Snapshot {
  overlap: Overlap;
  /** Units (rows where no unit is named) in each split, and the shares the spec asked for; null where files name the splits. */
  units: Record<SplitName, number>;
  shares: Record<SplitName, number> | null;
}
