/* oxlint-disable typescript/no-non-null-assertion -- typed arrays, read inside their bounds many million times */

export const side = 32;
const low = 8;

/** cos((2x + 1) u pi / 64) for the frequencies used, row by row. */
const cosines = Float64Array.from({ length: (low + 1) * side }, (_, at) => {
  const [u, x] = [Math.floor(at / side), at % side];
  return Math.cos(((2 * x + 1) * u * Math.PI) / (2 * side));
});

export interface Picture {
  /** 64 bits: which of the lowest frequencies of the cosine transform lie above their median. */
  high: number;
  low: number;
  /** The picture in 16 x 16 cells, mean 0 and length 1. */
  cells: Float32Array;
}

/** From 32 x 32 grey values; null for a picture of one grey, which is like any other of one grey. */
export function perceive(grey: Uint8Array): Picture | null {
  const cells = halved(grey);
  if (cells === null) return null;
  const frequencies = lowFrequencies(grey);
  const median = [...frequencies].sort((a, b) => a - b)[(low * low) / 2]!;
  const bits = [0, 0];
  for (let at = 0; at < 64; at++) if (frequencies[at]! >= median) bits[at >> 5]! |= 1 << (at & 31);
  return { high: bits[0]!, low: bits[1]!, cells };
}

/** The 8 x 8 lowest frequencies; the mean grey, (0, 0), gives its place to (8, 0). */
function lowFrequencies(grey: Uint8Array): Float64Array {
  const rows = new Float64Array((low + 1) * side);
  for (let u = 0; u <= low; u++)
    for (let y = 0; y < side; y++) {
      let sum = 0;
      for (let x = 0; x < side; x++) sum += grey[y * side + x]! * cosines[u * side + x]!;
      rows[u * side + y] = sum;
    }
  const at = (u: number, v: number): number => {
    let sum = 0;
    for (let y = 0; y < side; y++) sum += rows[u * side + y]! * cosines[v * side + y]!;
    return sum;
  };
  return Float64Array.from({ length: low * low }, (_, place) => (place === 0 ? at(low, 0) : at(place % low, Math.floor(place / low))));
}

function halved(grey: Uint8Array): Float32Array | null {
  const half = side / 2;
  const cells = new Float32Array(half * half);
  let mean = 0;
  for (let y = 0; y < half; y++)
    for (let x = 0; x < half; x++) {
      const from = 2 * y * side + 2 * x;
      const cell = (grey[from]! + grey[from + 1]! + grey[from + side]! + grey[from + side + 1]!) / 4;
      cells[y * half + x] = cell;
      mean += cell / cells.length;
    }
  let squares = 0;
  for (let at = 0; at < cells.length; at++) {
    cells[at]! -= mean;
    squares += cells[at]! ** 2;
  }
  if (Math.sqrt(squares / cells.length) < 2) return null;
  const length = Math.sqrt(squares);
  return cells.map((cell) => cell / length);
}

export const distance = (a: Picture, b: Picture): number => ones(a.high ^ b.high) + ones(a.low ^ b.low);

export function correlation(a: Picture, b: Picture): number {
  let sum = 0;
  for (let at = 0; at < a.cells.length; at++) sum += a.cells[at]! * b.cells[at]!;
  return sum;
}

function ones(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** `pieces` keys of equal width: pictures at a distance below `pieces` share one of them. */
export function pieceKey({ high, low: second }: Picture, piece: number, pieces: number): number {
  const [from, to] = [Math.floor((64 * piece) / pieces), Math.floor((64 * (piece + 1)) / pieces)];
  let key = 0;
  for (let at = from; at < to; at++) key = (key << 1) | (((at < 32 ? high : second) >>> (at & 31)) & 1);
  return key;
}
