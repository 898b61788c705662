import type { WeakSlices } from '../../contract';
import type { Frame } from './frame';
import { fewestRows, testable } from './measure';
import { both, commonBits, maskOf, pack, rowsOf } from './masks';
import { scored, type Candidate, type Totals } from './scores';
import { fewestSearched, type SearchSpace } from './searchSpace';
import { falseDiscoveryRate, judged, measureSlice } from './slices';
import { conjunction } from './sql';
import type { Subject } from './subject';

const mostTested = 20;
const bestSingles = 20;
const bestOfAColumn = 4;
const mostAlike = 0.8;
/** Of thousands of alike conditions no more than these are held against each other. */
const mostLookedAt = 300;

/**
 * Slices nobody named: searched by right and wrong (the mean over seeds) on half of the units, whatever the metric, since a difference in
 * any of them starts there and counts are quick; measured by the metric on the other half.
 */
export function weakSlices(subject: Subject, frame: Frame): WeakSlices | null {
  const { space } = frame;
  if (space === null) return null;
  const { searched } = space;
  const sizes = searched.reduce((sum, side) => sum + side, 0);
  const nothing = { columns: space.columns, searched: sizes, tested: searched.length - sizes, tried: 0, falseDiscoveryRate, found: [] };
  if (subject.pairs.length === 0) return nothing;
  const { candidates, tried } = search(space, rowGaps(subject));
  const slices = distinct(candidates, space, (candidate) => {
    const measured = measureSlice(subject, testedRows(space, candidate));
    return testable(measured) ? { name: candidate.where, where: candidate.where, measured } : null;
  });
  // The halves share their seeds: what chance put into the trained models is in both, and only counting every condition tried answers for it.
  const found = judged(subject, slices, subject.algorithm ? tried : 0);
  const p = (value: number | null): number => value ?? 2;
  found.sort((x, y) => p(x.adjustedPValue) - p(y.adjustedPValue) || p(x.pValue) - p(y.pValue));
  return { ...nothing, tried, found };
}

/** Mean over seeds of variant right less control right, a row. */
function rowGaps({ rows, pairs }: Subject): Float64Array {
  const gaps = new Float64Array(rows.n);
  for (const { a, b } of pairs) {
    for (let i = 0; i < rows.n; i++) {
      const label = rows.labels[i];
      gaps[i] = (gaps[i] as number) + (b.predictions[i] === label ? 1 : 0) - (a.predictions[i] === label ? 1 : 0);
    }
  }
  return gaps.map((gap) => gap / pairs.length);
}

function search(space: SearchSpace, gaps: Float64Array): { candidates: Candidate[]; tried: number } {
  const rows = { searched: rowsOf(space, 1), tested: rowsOf(space, 0) };
  const whole = totals(gaps, rows.searched);
  const singles = singleTotals(space, gaps).filter(({ sums, tested }) => large(sums, tested, whole));
  const ranked = singles.map(({ condition, sums }) => scored([condition], condition.where, sums, whole)).sort(byScore);
  const pairs = pairsOf(space, gaps, rows, best(ranked), whole);
  return { candidates: [...ranked, ...pairs].sort(byScore), tried: ranked.length + pairs.length };
}

function large(sums: Totals, tested: number, whole: Totals): boolean {
  return sums.n >= fewestSearched && whole.n - sums.n >= fewestSearched && tested >= fewestRows;
}

/** One pass a column over its bins, then sums of bins. */
function singleTotals(
  space: SearchSpace,
  gaps: Float64Array,
): { condition: Candidate['conditions'][number]; sums: Totals; tested: number }[] {
  const byColumn = space.bins.map((bins) => {
    const [n, tested, sum, squares] = [new Float64Array(256), new Float64Array(256), new Float64Array(256), new Float64Array(256)];
    for (let i = 0; i < bins.length; i++) {
      const bin = bins[i] as number;
      if (space.searched[i] === 0) {
        tested[bin] = (tested[bin] as number) + 1;
        continue;
      }
      const gap = gaps[i] as number;
      n[bin] = (n[bin] as number) + 1;
      sum[bin] = (sum[bin] as number) + gap;
      squares[bin] = (squares[bin] as number) + gap * gap;
    }
    return { n, tested, sum, squares };
  });
  return space.conditions.map((condition) => {
    const column = byColumn[condition.column];
    const over = (values: Float64Array | undefined): number =>
      values?.subarray(condition.from, condition.to + 1).reduce((x, y) => x + y, 0) ?? 0;
    return {
      condition,
      sums: { n: over(column?.n), sum: over(column?.sum), squares: over(column?.squares) },
      tested: over(column?.tested),
    };
  });
}

/** A few of each column, so that one column's cuts do not crowd out the others. */
function best(ranked: readonly Candidate[]): Candidate[] {
  const taken = new Map<number, number>();
  return ranked
    .filter(({ conditions }) => {
      const column = conditions[0]?.column ?? 0;
      taken.set(column, (taken.get(column) ?? 0) + 1);
      return (taken.get(column) as number) <= bestOfAColumn;
    })
    .slice(0, bestSingles);
}

function pairsOf(
  space: SearchSpace,
  gaps: Float64Array,
  rows: { searched: Int32Array; tested: Int32Array },
  singles: readonly Candidate[],
  whole: Totals,
): Candidate[] {
  const ofSearched = singles.map((single) => maskOf(space, single, rows.searched));
  const ofTested = singles.map((single) => maskOf(space, single, rows.tested));
  const searchedGaps = Float64Array.from(rows.searched, (row) => gaps[row] as number);
  return singles.flatMap((one, i) =>
    singles.slice(i + 1).flatMap((other, offset) => {
      const j = i + 1 + offset;
      if (one.conditions[0]?.column === other.conditions[0]?.column) return [];
      const sums = sumsWhere(ofSearched[i] as Uint8Array, ofSearched[j] as Uint8Array, searchedGaps);
      if (!large(sums, both(ofTested[i] as Uint8Array, ofTested[j] as Uint8Array), whole)) return [];
      const [first, second] = one.where < other.where ? [one, other] : [other, one];
      return [scored([...first.conditions, ...second.conditions], conjunction(first.where, second.where), sums, whole)];
    }),
  );
}

/** In order of score those that are not nearly the same rows as one before, until enough of them can be tested. */
function distinct<T>(candidates: readonly Candidate[], space: SearchSpace, take: (candidate: Candidate) => T | null): T[] {
  const rows = rowsOf(space, 1);
  const kept: { bits: Int32Array; size: number }[] = [];
  const taken: T[] = [];
  for (const candidate of candidates.slice(0, mostLookedAt)) {
    if (taken.length === mostTested) break;
    const bits = pack(maskOf(space, candidate, rows));
    const size = candidate.searched;
    const repeats = kept.some((other) => {
      const shared = commonBits(bits, other.bits);
      // A part of what is told already, or the whole around it, tells it twice.
      return shared >= mostAlike * Math.min(size, other.size);
    });
    const result = repeats ? null : take(candidate);
    if (result === null) continue;
    kept.push({ bits, size });
    taken.push(result);
  }
  return taken;
}

function testedRows(space: SearchSpace, candidate: Candidate): Int32Array {
  const rows = rowsOf(space, 0);
  const mask = maskOf(space, candidate, rows);
  return rows.filter((_, j) => mask[j] === 1);
}

function totals(gaps: Float64Array, rows: Int32Array): Totals {
  let [sum, squares] = [0, 0];
  for (let j = 0; j < rows.length; j++) {
    const gap = gaps[rows[j] as number] as number;
    sum += gap;
    squares += gap * gap;
  }
  return { n: rows.length, sum, squares };
}

function sumsWhere(one: Uint8Array, other: Uint8Array, gaps: Float64Array): Totals {
  let [n, sum, squares] = [0, 0, 0];
  for (let j = 0; j < gaps.length; j++) {
    if (((one[j] as number) & (other[j] as number)) === 0) continue;
    const gap = gaps[j] as number;
    n++;
    sum += gap;
    squares += gap * gap;
  }
  return { n, sum, squares };
}

/** The text decides between equals, so that nothing else does. */
function byScore(x: Candidate, y: Candidate): number {
  return y.score - x.score || y.searched - x.searched || (x.where < y.where ? -1 : 1);
}
