import type { Condition, SearchSpace } from './searchSpace';

/** 1 where every condition holds, over the rows given. */
export function maskOf({ bins }: SearchSpace, { conditions }: { conditions: readonly Condition[] }, rows: Int32Array): Uint8Array {
  const mask = new Uint8Array(rows.length).fill(1);
  for (const { column, from, to } of conditions) {
    const of = bins[column] as Uint8Array;
    for (let j = 0; j < rows.length; j++) {
      const bin = of[rows[j] as number] as number;
      if (bin < from || bin > to) mask[j] = 0;
    }
  }
  return mask;
}

/** Of one half, ascending. */
export function rowsOf({ searched }: SearchSpace, side: 0 | 1): Int32Array {
  const rows = new Int32Array(searched.length);
  let count = 0;
  for (let i = 0; i < searched.length; i++) if (searched[i] === side) rows[count++] = i;
  return rows.subarray(0, count);
}

/** Rows of two masks. */
export function both(one: Uint8Array, other: Uint8Array): number {
  let count = 0;
  for (let j = 0; j < one.length; j++) count += (one[j] as number) & (other[j] as number);
  return count;
}

/** 32 rows a word. */
export function pack(mask: Uint8Array): Int32Array {
  const bits = new Int32Array(Math.ceil(mask.length / 32));
  for (let j = 0; j < mask.length; j++) if (mask[j] === 1) bits[j >> 5] = (bits[j >> 5] as number) | (1 << (j & 31));
  return bits;
}

export function commonBits(one: Int32Array, other: Int32Array): number {
  let count = 0;
  for (let w = 0; w < one.length; w++) {
    let word = (one[w] as number) & (other[w] as number);
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}
