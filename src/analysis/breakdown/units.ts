import type { Rows } from '../prepare';

/** Units of some rows (null: all) as 0..count-1, by first appearance; `of` is null where each row is its own. */
export interface Units {
  of: Int32Array | null;
  count: number;
}

export function unitsOf(rows: Rows, picked: Int32Array | null): Units {
  if (rows.units === null) return { of: null, count: picked?.length ?? rows.n };
  if (picked === null) return { of: rows.units, count: rows.unitCount };
  const place = new Int32Array(rows.unitCount).fill(-1);
  const of = new Int32Array(picked.length);
  let count = 0;
  for (let j = 0; j < picked.length; j++) {
    const unit = rows.units[picked[j] as number] as number;
    if (place[unit] === -1) place[unit] = count++;
    of[j] = place[unit] as number;
  }
  return { of, count };
}
