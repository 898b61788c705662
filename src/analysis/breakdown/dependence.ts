import type { Dependence, Difference } from '../../contract';
import type { Frame } from './frame';
import { isLabelMetric } from '../prepare';
import { measure } from './measure';
import type { Subject } from './subject';

const fewestUnits = 100;
const shareLeftOut = 0.01;
const shown = 10;

/**
 * Whether the claim stands on few units: the same difference without the 1 % of them that speak most for it. Without rows that happened to
 * favour it any difference shrinks, so it is the change of side that tells.
 */
export function dependence(subject: Subject, frame: Frame): Dependence | null {
  const { rows, metric } = subject;
  const count = rows.unitCount;
  if (count < fewestUnits || subject.pairs.length === 0) return null;
  // A row is right or wrong: every row counts the same, and leaving out those that favour one side only shifts the difference by their share.
  if (rows.units === null && isLabelMetric(metric)) return null;
  const whole = measure(subject, null);
  const found = whole.difference === null ? null : partsOf(subject, whole.difference);
  if (whole.difference === null || found === null) return null;
  const { parts, sizes, first } = found;
  const side = Math.sign(whole.difference);
  const weight = (unit: number): number => (parts[unit] as number) * side || (side === 0 ? Math.abs(parts[unit] as number) : 0);
  // Units are numbered by their first id, which decides between equals.
  const order = Int32Array.from(parts, (_, unit) => unit).sort((x, y) => weight(y) - weight(x) || x - y);
  const leftOut = Math.floor(count * shareLeftOut);
  const gone = new Uint8Array(count);
  for (const unit of order.subarray(0, leftOut)) gone[unit] = 1;
  const rest = new Int32Array(rows.n);
  let kept = 0;
  for (let i = 0; i < rows.n; i++) if (gone[rows.units === null ? i : (rows.units[i] as number)] === 0) rest[kept++] = i;
  const [all, without] = [differenceOf(whole), differenceOf(measure(subject, rest.subarray(0, kept)))];
  return {
    leftOut,
    of: count,
    all,
    without,
    changes: sideOf(all) !== 0 && sideOf(without) !== sideOf(all),
    // A unit's own name is not known here: it goes by its first id.
    units: [...order.subarray(0, shown)].map((unit) => ({
      id: frame.idOf(first[unit] as number),
      rows: sizes[unit] as number,
      part: parts[unit] as number,
    })),
  };
}

/** Each unit's part of the difference: its rows' influences, so shifted that the parts of all add up to the difference. */
function partsOf(subject: Subject, difference: number): { parts: Float64Array; sizes: Int32Array; first: Int32Array } | null {
  const { rows, pairs, metric } = subject;
  const [parts, sizes, first] = [new Float64Array(rows.unitCount), new Int32Array(rows.unitCount), new Int32Array(rows.unitCount).fill(-1)];
  const add = (unit: number, value: number): void => {
    parts[unit] = (parts[unit] as number) + value;
  };
  for (const { a, b } of pairs) {
    const [ofA, ofB] = [a.influence(metric).influence, b.influence(metric).influence];
    if (ofA.length !== rows.n || ofB.length !== rows.n) return null;
    for (let i = 0; i < rows.n; i++) {
      add(rows.units === null ? i : (rows.units[i] as number), ((ofB[i] as number) - (ofA[i] as number)) / pairs.length / rows.n);
    }
  }
  for (let i = 0; i < rows.n; i++) {
    const unit = rows.units === null ? i : (rows.units[i] as number);
    add(unit, difference / rows.n);
    sizes[unit] = (sizes[unit] as number) + 1;
    if (first[unit] === -1) first[unit] = i;
  }
  return { parts, sizes, first };
}

function differenceOf({ control, variant, difference, low, high }: Difference): Difference {
  return { control, variant, difference, low, high };
}

/** Of 0: above, below, or on both sides, which claims nothing. */
function sideOf({ low, high }: Difference): -1 | 0 | 1 {
  if (low === null || high === null) return 0;
  return low > 0 ? 1 : high < 0 ? -1 : 0;
}
