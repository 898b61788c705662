import { influenceValues } from '../../stats';
import { isLabelMetric, type ArmRun, type Rows } from '../prepare';
import { aucInfluence } from './auc';
import type { Subject } from './subject';
import type { Units } from './units';

/** Both runs' value on some rows (undefined where it is 0/0), and the units' influences on the difference, whose mean is its error. */
export interface PairGaps {
  a: number | undefined;
  b: number | undefined;
  gaps: Float64Array;
}

export function pairGaps(subject: Subject, pair: Subject['pairs'][number], picked: Int32Array | null, units: Units): PairGaps {
  const { rows, metric } = subject;
  if (metric === 'accuracy') return meanGaps(hits(rows, pair.a), hits(rows, pair.b), picked, rows.n, units);
  if (metric === 'log_loss' || metric === 'brier') {
    const [a, b] = [pair.a.influence(metric), pair.b.influence(metric)];
    return meanGaps(shifted(a), shifted(b), picked, rows.n, units);
  }
  const [a, b] = [influencesOf(subject, pair.a, picked), influencesOf(subject, pair.b, picked)];
  const gaps = new Float64Array(units.count);
  if (a.value === undefined || b.value === undefined) return { a: a.value, b: b.value, gaps };
  const scale = units.count / a.influence.length;
  for (let j = 0; j < a.influence.length; j++) {
    const unit = units.of === null ? j : (units.of[j] as number);
    gaps[unit] = (gaps[unit] as number) + ((b.influence[j] as number) - (a.influence[j] as number)) * scale;
  }
  return { a: a.value, b: b.value, gaps };
}

type RowValue = (row: number) => number;

const hits =
  ({ labels }: Rows, { predictions }: ArmRun): RowValue =>
  (row) =>
    predictions[row] === labels[row] ? 1 : 0;

/** A row's own value: its influence on the mean of all rows, and that mean. */
const shifted =
  ({ value, influence }: ReturnType<ArmRun['influence']>): RowValue =>
  (row) =>
    (influence[row] as number) + (value ?? Number.NaN);

/** Of metrics that are means over rows. */
function meanGaps(valueA: RowValue, valueB: RowValue, picked: Int32Array | null, all: number, { of, count }: Units): PairGaps {
  const n = picked?.length ?? all;
  const gaps = new Float64Array(count);
  const sizes = new Float64Array(of === null ? 0 : count);
  let [totalA, totalB] = [0, 0];
  for (let j = 0; j < n; j++) {
    const row = picked === null ? j : (picked[j] as number);
    const [a, b] = [valueA(row), valueB(row)];
    totalA += a;
    totalB += b;
    const unit = of === null ? j : (of[j] as number);
    gaps[unit] = (gaps[unit] as number) + (b - a);
    if (of !== null) sizes[unit] = (sizes[unit] as number) + 1;
  }
  const difference = totalB / n - totalA / n;
  for (let u = 0; u < count; u++) gaps[u] = ((gaps[u] as number) - (of === null ? 1 : (sizes[u] as number)) * difference) * (count / n);
  return { a: totalA / n, b: totalB / n, gaps };
}

function influencesOf({ rows, metric }: Subject, run: ArmRun, picked: Int32Array | null): ReturnType<typeof influenceValues> {
  if (picked === null) return run.influence(metric);
  if (metric === 'auc_ovr') return aucInfluence(rows, run, picked);
  const labels = picked.map((row) => rows.labels[row] as number);
  if (isLabelMetric(metric)) {
    const predictions = picked.map((row) => run.predictions[row] as number);
    return influenceValues(metric, labels, predictions, rows.classes);
  }
  const scores = new Float64Array(picked.length * rows.classes);
  for (let j = 0; j < picked.length; j++) {
    const from = (picked[j] as number) * rows.classes;
    for (let c = 0; c < rows.classes; c++) scores[j * rows.classes + c] = run.scores[from + c] as number;
  }
  return influenceValues(metric, labels, scores, rows.classes);
}
