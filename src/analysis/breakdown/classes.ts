import type { ClassDifference, Difference } from '../../contract';
import { adjustPValues } from '../../stats';
import type { ArmRun } from '../prepare';
import { mean } from '../question';
import { decide, testable } from './measure';
import type { Subject } from './subject';
import { unitsOf } from './units';

/**
 * Precision, recall and F1 of each class by influence values, over the units that have anything to do with it: a row of the class or one
 * predicted as such. The others have no influence. Intervals from 100 rows on; p values are of F1.
 */
export function classDifferences(subject: Subject, classes: readonly string[]): ClassDifference[] {
  if (subject.pairs.length === 0) return [];
  const rowsOf = rowsByClass(subject);
  const found = classes.map((name, c) => classDifference(subject, name, c, rowsOf[c] as Int32Array));
  const p = found.flatMap(({ pValue }) => pValue ?? []);
  const adjusted = adjustPValues(p, 'benjamini-hochberg').values();
  return found.map((entry) => ({ ...entry, adjustedPValue: entry.pValue === null ? null : (adjusted.next().value ?? null) }));
}

/** For each class the rows with its label or a prediction of it in any run, so that all classes together cost one pass. */
function rowsByClass({ rows, pairs }: Subject): Int32Array[] {
  const last = new Int32Array(rows.classes).fill(-1);
  const runs = [...new Set(pairs.flatMap(({ a, b }) => [a, b]))];
  const each = (visit: (c: number, row: number) => void): void => {
    last.fill(-1);
    for (let row = 0; row < rows.n; row++) {
      for (let r = -1; r < runs.length; r++) {
        const c = r < 0 ? (rows.labels[row] as number) : ((runs[r] as ArmRun).predictions[row] as number);
        if (last[c] === row) continue;
        last[c] = row;
        visit(c, row);
      }
    }
  };
  const counts = new Int32Array(rows.classes);
  each((c) => (counts[c] = (counts[c] as number) + 1));
  const lists = Array.from(counts, (count) => new Int32Array(count));
  counts.fill(0);
  each((c, row) => {
    const at = counts[c] as number;
    (lists[c] as Int32Array)[at] = row;
    counts[c] = at + 1;
  });
  return lists;
}

function classDifference(subject: Subject, name: string, c: number, touched: Int32Array): ClassDifference {
  const { rows, pairs, algorithm, confidence } = subject;
  const { of, count } = unitsOf(rows, touched);
  const ofClass = touched.filter((row) => rows.labels[row] === c);
  const found = pairs.map(({ a, b }) => ({ a: sharesOf(subject, a, c, touched), b: sharesOf(subject, b, c, touched) }));
  const tested = testable({ rows: ofClass.length, units: unitsOf(rows, ofClass).count });
  const differ = (measure: Measure): Difference & { pValue: number | null } => {
    const a = found.flatMap((pair) => pair.a[measure] ?? []);
    const b = found.flatMap((pair) => pair.b[measure] ?? []);
    const complete = (values: number[]): number | null => (values.length === pairs.length ? mean(values) : null);
    const [control, variant] = [complete(a), complete(b)];
    if (control === null || variant === null) return { control, variant, difference: null, low: null, high: null, pValue: null };
    const difference = mean(b.map((value, s) => value - (a[s] as number)));
    if (!tested) return { control, variant, difference, low: null, high: null, pValue: null };
    const gaps = pairs.map((pair, s) => {
      const sums = new Float64Array(count);
      addInfluences(sums, subject, pair.a, c, touched, of, (found[s] as (typeof found)[number]).a, measure, -1);
      addInfluences(sums, subject, pair.b, c, touched, of, (found[s] as (typeof found)[number]).b, measure, 1);
      return sums;
    });
    return { control, variant, difference, ...decide({ a, b, gaps }, algorithm, confidence) };
  };
  const [precision, recall, f1] = [differ('precision'), differ('recall'), differ('f1')];
  return {
    class: name,
    rows: ofClass.length,
    precision: bounds(precision),
    recall: bounds(recall),
    f1: bounds(f1),
    pValue: f1.pValue,
    adjustedPValue: null,
  };
}

type Measure = 'precision' | 'recall' | 'f1';
interface Shares extends Record<Measure, number | undefined> {
  support: number;
  predicted: number;
}

function bounds({ control, variant, difference, low, high }: Difference): Difference {
  return { control, variant, difference, low, high };
}

function sharesOf({ rows }: Subject, { predictions }: ArmRun, c: number, touched: Int32Array): Shares {
  let [support, predicted, hits] = [0, 0, 0];
  for (let j = 0; j < touched.length; j++) {
    const row = touched[j] as number;
    const ofClass = rows.labels[row] === c;
    const asClass = predictions[row] === c;
    if (ofClass) support++;
    if (asClass) predicted++;
    if (ofClass && asClass) hits++;
  }
  const ratio = (top: number, bottom: number): number | undefined => (bottom === 0 ? undefined : top / bottom);
  return { support, predicted, precision: ratio(hits, predicted), recall: ratio(hits, support), f1: ratio(2 * hits, support + predicted) };
}

/** Of hits over a count both of which change with the row: (hit - share) / count, of F1 (2 hit - share * (label + prediction)) / count. */
function addInfluences(
  sums: Float64Array,
  { rows }: Subject,
  { predictions }: ArmRun,
  c: number,
  touched: Int32Array,
  of: Int32Array | null,
  shares: Shares,
  measure: Measure,
  sign: 1 | -1,
): void {
  const share = shares[measure] as number;
  const [byLabel, byPrediction, top] = [measure === 'precision' ? 0 : 1, measure === 'recall' ? 0 : 1, measure === 'f1' ? 2 : 1];
  const scale = (sign * sums.length) / (byLabel * shares.support + byPrediction * shares.predicted);
  for (let j = 0; j < touched.length; j++) {
    const row = touched[j] as number;
    const ofClass = rows.labels[row] === c ? 1 : 0;
    const asClass = predictions[row] === c ? 1 : 0;
    const unit = of === null ? j : (of[j] as number);
    sums[unit] = (sums[unit] as number) + scale * (top * ofClass * asClass - share * (byLabel * ofClass + byPrediction * asClass));
  }
}
