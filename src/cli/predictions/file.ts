/** One run's predictions as they lie on disk. */
export interface PredictionFile {
  place: string;
  /** From the folder's name `seed-<n>`; null elsewhere. */
  seed: number | null;
  rows: number;
  /** Null where the file names no rows. */
  ids: string[] | null;
  labels: Coded | null;
  /** Row-major rows x classes; null where the file holds predicted classes alone. */
  scores: Float64Array | null;
  /** Columns of the scores; 0 without. */
  classes: number;
  /** Names of the score columns; null for arrays, which have none. */
  classNames: string[] | null;
  /** The class that a single column of scores is of, where the column says so. */
  positive: string | null;
  predictions: Coded | null;
  /** Where a row stands, from 0, for messages. */
  at: (row: number) => string;
}

/** A column of texts by the distinct ones, in the order in which they come. */
export interface Coded {
  names: string[];
  codes: Int32Array;
}

/** Whole numbers that were saved as floats, as labels often are, are whole numbers. */
export const canonical = (text: string): string => (/^-?\d+\.0+$/.test(text) ? text.slice(0, text.indexOf('.')) : text);

export function coded(values: Iterable<string>, rows: number): Coded {
  const known = new Map<string, number>();
  const codes = new Int32Array(rows);
  let row = 0;
  for (const value of values) {
    let code = known.get(value);
    if (code === undefined) {
      code = known.size;
      known.set(value, code);
    }
    codes[row++] = code;
  }
  return { names: [...known.keys()], codes };
}
