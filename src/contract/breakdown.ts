/** Where a candidate differs from the control: to look at and to ask further with, never to decide on. Variant minus control everywhere. */
export interface Breakdown {
  control: string;
  variant: string;
  /** The primary where it comes from predictions, else accuracy; what slices and units are measured by. */
  metric: string;
  /** The slices of the plan, in its order. */
  slices: SliceDifference[];
  /** Slices nobody named, found on one half of the rows and tested on the other; null where no columns of the test rows are known. */
  weakSlices: WeakSlices | null;
  /** How much of the difference hangs on few units; null under 100 of them, and for right and wrong of rows that are their own units, which count alike. */
  dependence: Dependence | null;
  /** Ways to divide the rows (classes, slices, columns of few values) by which the whole and its parts tell different stories. */
  reversals: Reversal[];
  /** Of the top class's score, pooled over seeds. */
  calibration: { control: CalibrationBin[]; variant: CalibrationBin[] };
  confusion: ConfusionDifference;
  classes: ClassDifference[];
}

export interface Difference {
  control: number | null;
  variant: number | null;
  difference: number | null;
  /** Unadjusted, at the plan's confidence. */
  low: number | null;
  high: number | null;
}

export interface SliceDifference extends Difference {
  name: string;
  /** The condition on the rows' columns. */
  where: string;
  rows: number;
  units: number;
  pValue: number | null;
  /** Benjamini-Hochberg over the slices of the same list that could be tested. */
  adjustedPValue: number | null;
  /** By the adjusted p value at 0.1; `too-small` under 100 rows, or rows of under 10 units, which is no test at all. */
  verdict: 'better' | 'worse' | 'open' | 'too-small';
}

export interface WeakSlices {
  /** Columns that were searched. */
  columns: string[];
  /** Rows of the half that was searched, and of the half on which every number below was measured. */
  searched: number;
  tested: number;
  /** Conditions that were tried, of which the most telling were tested. */
  tried: number;
  /** The false discovery rate that `adjustedPValue` was held to: 0.1. */
  falseDiscoveryRate: number;
  /**
   * Those tested, the lowest adjusted p value first; at most 20. Over 5 or more seeds every condition tried counts in the adjustment, since
   * both halves share the trained models.
   */
  found: SliceDifference[];
}

export interface Dependence {
  /** What was left out: the 1 % of units (or rows) that speak most for the difference seen. */
  leftOut: number;
  of: number;
  /** The difference of all, and without them. */
  all: Difference;
  without: Difference;
  /** The interval's side of 0 is another without them: the claim stands on few units. */
  changes: boolean;
  /** The ten that count most: each one's part of the difference, in the metric's unit. */
  units: { id: string; rows: number; part: number }[];
}

export interface Reversal {
  /** What divides the rows: `class`, a slice's name, or a column. */
  by: string;
  /** `reversal`: every part with 100 rows or more points the other way than the whole; `mixed`: at least one part is shown to go the other way. */
  kind: 'reversal' | 'mixed';
  whole: number;
  /** Bounds are simultaneous over all parts of all divisions; null under 100 rows or 10 units. */
  parts: { name: string; rows: number; difference: number | null; low: number | null; high: number | null }[];
  sentence: string;
}

export interface CalibrationBin {
  /** Bounds of the score of the predicted class; the upper one belongs to the bin. */
  from: number;
  to: number;
  /** Rows, averaged over seeds; bins without any are left out. */
  rows: number;
  confidence: number;
  accuracy: number;
  /** Wilson's interval of the accuracy, at the plan's confidence. */
  low: number;
  high: number;
}

/** Only cells that differ, the largest difference first. */
export interface ConfusionDifference {
  /** Rows, averaged over seeds; at most 200 cells. */
  cells: { label: string; prediction: string; control: number; variant: number }[];
  /** How many cells differ at all. */
  differing: number;
}

/** Bounds and p are null for classes of under 100 rows. */
export interface ClassDifference {
  class: string;
  /** Test rows of the class. */
  rows: number;
  precision: Difference;
  recall: Difference;
  f1: Difference;
  /** Of the difference in F1; Benjamini-Hochberg over the classes of 100 rows or more. */
  pValue: number | null;
  adjustedPValue: number | null;
}
