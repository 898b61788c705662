import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AssayError } from '../../contract';
import { readNpy } from '../../contract/npy';
import { readNpz } from '../../data/npz';
import { canonical, type Coded, coded, type PredictionFile } from './file';

/** An array of NumPy, in row order. */
export interface NamedArray {
  place: string;
  shape: number[];
  values: ArrayLike<number | bigint> | readonly string[];
}

export const arrayFile = (name: string): string => `${name}.npy`;

/** `ids`, `labels` and `scores` or `predictions` of a folder. */
export function arraysOfFolder(folder: string, seed: number | null): PredictionFile {
  const array = (name: string): NamedArray | null => {
    const file = join(folder, arrayFile(name));
    return existsSync(file) ? readArray(file) : null;
  };
  return fromParts(folder, seed, { ids: array('ids'), labels: array('labels'), main: array('scores') ?? array('predictions') });
}

/** The same of an `.npz`, or its only array. */
export async function fromArrays(path: string): Promise<PredictionFile> {
  const arrays = await readNpz(path, path);
  const array = (...names: string[]): NamedArray | null => {
    const name = names.find((each) => arrays.has(each));
    const found = name === undefined ? undefined : arrays.get(name);
    return found === undefined ? null : { place: `${path}, array ${name}`, shape: found.shape, values: found.data };
  };
  const only = arrays.size === 1 ? [...arrays.keys()] : [];
  const main = array('scores', 'y_score') ?? array('predictions', 'prediction', 'y_pred') ?? array(...only);
  if (main === null) {
    const names = [...arrays.keys()].join(', ');
    throw new AssayError('DataInvalid', `${path}: expected the arrays ids, labels and scores (or predictions), got ${names || 'none'}`);
  }
  return fromParts(path, null, { ids: array('ids', 'id'), labels: array('labels', 'label', 'y_true'), main });
}

/** One `.npy`: scores of every class, of class 1, or predicted classes. */
export function fromOneArray(path: string, seed: number | null): PredictionFile {
  return fromParts(path, seed, { ids: null, labels: null, main: readArray(path) });
}

export function readArray(path: string): NamedArray {
  if (statSync(path).isDirectory()) throw new AssayError('DataInvalid', `${path}: is a folder, expected an array of NumPy`);
  try {
    const { shape, values } = readNpy(readFileSync(path));
    return { place: path, shape, values };
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const objects = message.includes("'|O'") ? 'it holds Python objects; save x.astype(str)' : 'save one plain array with numpy.save';
    const mend = message.includes('got dtype') ? 'save x.astype(float) or x.astype(str)' : objects;
    throw new AssayError('DataInvalid', `${path}: ${message}; ${mend}`, { cause });
  }
}

/** A vector as texts, whole numbers without a point. */
export function textsOf({ place, shape, values }: NamedArray): string[] {
  const [rows = 0, columns = 1] = shape;
  if (shape.length === 0 || shape.length > 2 || columns !== 1)
    throw new AssayError('DataInvalid', `${place}: has the shape (${shape.join(', ')}), expected one value a row`);
  return Array.from({ length: rows }, (_, row) => String(values[row]));
}

function fromParts(
  place: string,
  seed: number | null,
  { ids, labels, main }: { ids: NamedArray | null; labels: NamedArray | null; main: NamedArray | null },
): PredictionFile {
  if (main === null)
    throw new AssayError('DataInvalid', `${place}: scores.npy is missing; a predictions folder has ids, labels and scores`);
  const read = scoresOrPredictions(main);
  if ((ids !== null && ids.shape[0] !== read.rows) || (labels !== null && labels.shape[0] !== read.rows)) {
    const counts = [ids && `${ids.shape[0]} ids`, labels && `${labels.shape[0]} labels`].filter((text) => text !== null);
    throw new AssayError('PredictionsInvalid', `${place}: ${counts.join(', ')} and ${read.rows} rows of scores; expected as many of each`);
  }
  return {
    place,
    seed,
    ids: ids === null ? null : textsOf(ids),
    labels: labels === null ? null : codedArray(labels),
    ...read,
    classNames: null,
    positive: null,
    at: (row) => `row ${row} (from 0)`,
  };
}

/** Two columns or more are scores of classes; of one column, numbers with a fraction are scores of class 1, the rest predicted classes. */
function scoresOrPredictions(main: NamedArray): Pick<PredictionFile, 'rows' | 'scores' | 'classes' | 'predictions'> {
  const { place, shape, values } = main;
  const [rows = 0, columns = 1] = shape;
  const shapeText = `(${shape.join(', ')})`;
  if (shape.length === 0 || shape.length > 2 || columns === 0)
    throw new AssayError('PredictionsInvalid', `${place}: has the shape ${shapeText}, expected (rows, classes) or (rows,)`);
  if (rows === 0) throw new AssayError('PredictionsInvalid', `${place}: has the shape ${shapeText}, expected one row or more`);
  if (columns === 1) {
    if (!fractional(values)) return { rows, scores: null, classes: 0, predictions: codedArray(main) };
    return { rows, scores: twoColumns(values), classes: 2, predictions: null };
  }
  if (isTexts(values)) throw new AssayError('PredictionsInvalid', `${place}: is a matrix of text, expected numbers: one score a class`);
  return { rows, scores: Float64Array.from({ length: rows * columns }, (_, i) => Number(values[i])), classes: columns, predictions: null };
}

const isTexts = (values: NamedArray['values']): values is readonly string[] => typeof values[0] === 'string';

function fractional(values: NamedArray['values']): values is Float64Array {
  return (values instanceof Float64Array || values instanceof Float32Array) && values.some((value) => !Number.isInteger(value));
}

/** Scores of class 1 as those of both classes. */
export function twoColumns(scores: ArrayLike<number>): Float64Array {
  const both = new Float64Array(2 * scores.length);
  for (let row = 0; row < scores.length; row++) {
    both[2 * row] = 1 - (scores[row] as number);
    both[2 * row + 1] = scores[row] as number;
  }
  return both;
}

function codedArray(array: NamedArray): Coded {
  const texts = textsOf(array);
  const missing = texts.findIndex((text) => text === '' || text === 'NaN');
  if (missing >= 0)
    throw new AssayError('PredictionsInvalid', `${array.place}: row ${missing} (from 0) has no value; expected a class in every row`);
  return coded(texts.map(canonical), texts.length);
}
