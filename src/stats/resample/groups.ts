import type { Cells } from './cells';
import { unitNumbers } from './rows';

/** What is resampled, counted once where it is alike: rows of one cell, or units that hold the same number of rows of every cell. */
export interface Groups {
  /** Rows or units of each group, in descending order. */
  counts: Int32Array;
  /** Entries starts[g]..starts[g + 1] - 1 are group g's. */
  starts: Int32Array;
  cells: Int32Array;
  /** Rows of the cell in one unit. */
  times: Int32Array;
  /** The groups are the cells themselves. */
  plain: boolean;
}

export function groupsOf(cells: Cells, units: ArrayLike<number> | undefined): Groups {
  return units === undefined ? groupsOfRows(cells) : groupsOfUnits(cells, units);
}

function groupsOfRows({ counts }: Cells): Groups {
  const size = counts.length;
  const places = new Int32Array(size + 1);
  for (let g = 0; g <= size; g++) places[g] = g;
  return { counts, starts: places, cells: places.subarray(0, size), times: new Int32Array(size).fill(1), plain: true };
}

/** Groups stand in descending order of count, then of profile, so that units of one row each are drawn like the rows. */
function groupsOfUnits(cells: Cells, units: ArrayLike<number>): Groups {
  const ofRow = cells.ofRow();
  const { of, count } = unitNumbers(units);
  const starts = new Int32Array(count + 1);
  for (let i = 0; i < of.length; i++) starts[of[i]! + 1]!++;
  for (let u = 0; u < count; u++) starts[u + 1]! += starts[u]!;
  const held = new Int32Array(of.length);
  const at = starts.slice(0, count);
  for (let i = 0; i < of.length; i++) held[at[of[i]!]!++] = ofRow[i]!;
  for (let u = 0; u < count; u++) if (starts[u + 1]! - starts[u]! > 1) held.subarray(starts[u], starts[u + 1]).sort();
  const compare = (u: number, v: number): number => {
    const [fromU, fromV] = [starts[u]!, starts[v]!];
    const [sizeU, sizeV] = [starts[u + 1]! - fromU, starts[v + 1]! - fromV];
    for (let e = 0; e < sizeU && e < sizeV; e++) {
      const gap = held[fromU + e]! - held[fromV + e]!;
      if (gap !== 0) return gap;
    }
    return sizeU - sizeV;
  };
  const byProfile = new Int32Array(count);
  for (let u = 0; u < count; u++) byProfile[u] = u;
  byProfile.sort(compare);
  const firsts: number[] = [];
  for (let i = 0; i < count; i++) if (i === 0 || compare(byProfile[i - 1]!, byProfile[i]!) !== 0) firsts.push(i);
  const sizes = firsts.map((first, g) => (firsts[g + 1] ?? count) - first);
  const order = sizes.map((_, g) => g).sort((g, h) => sizes[h]! - sizes[g]! || g - h);
  return profiles(
    order.map((g) => ({ size: sizes[g]!, unit: byProfile[firsts[g]!]! })),
    starts,
    held,
  );
}

function profiles(groups: readonly { size: number; unit: number }[], unitStarts: Int32Array, held: Int32Array): Groups {
  const starts = new Int32Array(groups.length + 1);
  const cells: number[] = [];
  const times: number[] = [];
  groups.forEach(({ unit }, g) => {
    for (let i = unitStarts[unit]!; i < unitStarts[unit + 1]!; i++) {
      if (i > unitStarts[unit]! && held[i] === held[i - 1]) times[times.length - 1]!++;
      else {
        cells.push(held[i]!);
        times.push(1);
      }
    }
    starts[g + 1] = cells.length;
  });
  return {
    counts: Int32Array.from(groups, ({ size }) => size),
    starts,
    cells: Int32Array.from(cells),
    times: Int32Array.from(times),
    plain: false,
  };
}
