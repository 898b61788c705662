const exactLimit = 1000;
const slots = 4096;
const registers = 4096;

export interface Distinct {
  /** Exact up to 1,000, beyond by HyperLogLog with 4,096 registers (standard error 1.6 %). */
  count: number;
  /** Each value, ascending, with the number of times it stands there; null beyond 1,000. */
  tally: { value: number; times: number }[] | null;
}

/** Distinct finite numbers. Their order does not matter. */
export function distinctOf(values: Float64Array): Distinct {
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  const table = new Float64Array(slots);
  const times = new Float64Array(slots);
  let size = 0;
  for (let i = 0; i < values.length; i++) {
    // The sum makes -0 the 0 that it equals.
    const value = values[i]! + 0;
    let slot = (value === 0 ? 0 : hash(words[2 * i]!, words[2 * i + 1]!)) & (slots - 1);
    while (times[slot] !== 0 && table[slot] !== value) slot = (slot + 1) & (slots - 1);
    if (times[slot] === 0) {
      if (size === exactLimit) return { count: Math.max(exactLimit + 1, estimate(values, words)), tally: null };
      table[slot] = value;
      size++;
    }
    times[slot]!++;
  }
  const tally: { value: number; times: number }[] = [];
  for (let slot = 0; slot < slots; slot++) if (times[slot] !== 0) tally.push({ value: table[slot]!, times: times[slot]! });
  return { count: size, tally: tally.sort((a, b) => a.value - b.value) };
}

function estimate(values: Float64Array, words: Uint32Array): number {
  const longest = new Uint8Array(registers);
  for (let i = 0; i < values.length; i++) {
    const bits = values[i] === 0 ? 0 : hash(words[2 * i]!, words[2 * i + 1]!);
    const run = Math.clz32((bits << 12) | 0x800) + 1;
    const register = bits >>> 20;
    if (run > longest[register]!) longest[register] = run;
  }
  let sum = 0;
  let empty = 0;
  for (const run of longest) {
    sum += 2 ** -run;
    if (run === 0) empty++;
  }
  const raw = ((0.7213 / (1 + 1.079 / registers)) * registers * registers) / sum;
  if (raw <= 2.5 * registers && empty > 0) return Math.min(values.length, Math.round(registers * Math.log(registers / empty)));
  // Two values in one of 2^32 hashes are counted once.
  return Math.min(values.length, Math.round(-(2 ** 32) * Math.log1p(-Math.min(raw, 2 ** 31) / 2 ** 32)));
}

/** Both words of a double, mixed as MurmurHash3 does at its end. */
function hash(low: number, high: number): number {
  let h = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
