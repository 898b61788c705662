/** What a model said of rows: scores are row-major, one a class; labels are the class of the highest score unless given. */
export interface Predictions {
  ids: readonly string[];
  classes: readonly string[];
  scores: ArrayLike<number>;
  labels?: readonly string[];
}

/** Places of a row on both sides. */
export interface Pair {
  id: string;
  offline: number;
  served: number;
}

/** One cause for all differences, where there is one. */
export function explanation(
  offline: Predictions,
  served: Predictions,
  pairs: readonly Pair[],
  tolerance: number,
): { detail: string; mend: string } | null {
  const column = offline.classes.map((name) => served.classes.indexOf(name));
  const a = offline.classes.map((_, c) => columnOf(offline, c, pairs, 'offline'));
  const b = column.map((c) => columnOf(served, c, pairs, 'served'));
  if ([...a, ...b].some((values) => values.some((value) => !Number.isFinite(value)))) return null;
  const order = permutationOf(a, b, tolerance);
  if (order !== null)
    return {
      detail: `Another order of the classes explains all of it: what is served as ${offline.classes.join(', ')} are the scores of ${order.map((c) => offline.classes[c]).join(', ')}.`,
      mend: 'Give the served model the class order of training.',
    };
  const factor = factorOf(a, b);
  if (
    Math.abs(factor - 1) > 1e-9 &&
    apart(
      a,
      b.map((values) => values.map((value) => value * factor)),
    ) <= tolerance
  )
    return {
      detail: `A constant factor explains all of it: the offline scores are ${digits(factor)} times the served ones.`,
      mend: 'Serve probabilities on the scale of training.',
    };
  if (apart(a, softmax(b)) <= tolerance)
    return { detail: 'The served scores are logits: their softmax is the offline scores.', mend: 'Apply the softmax in the served model.' };
  if (apart(softmax(a), b) <= tolerance)
    return { detail: 'The offline scores are logits: their softmax is the served scores.', mend: 'Write probabilities offline too.' };
  const sorted = (values: Float64Array): Float64Array => values.slice().sort();
  if (apart(a.map(sorted), b.map(sorted)) <= tolerance)
    return {
      detail: 'Another order of the rows explains all of it: the served scores are those of offline, under other ids.',
      mend: 'Return the answers in the order of the request, or with their ids.',
    };
  return null;
}

function columnOf({ classes, scores }: Predictions, c: number, pairs: readonly Pair[], side: 'offline' | 'served'): Float64Array {
  return Float64Array.from(pairs, (pair) => scores[pair[side] * classes.length + c] ?? Number.NaN);
}

/** For each served class the offline class whose scores it holds; null unless that is another order and fits every row. */
function permutationOf(a: readonly Float64Array[], b: readonly Float64Array[], tolerance: number): number[] | null {
  const free = new Set(a.keys());
  const order = b.map((values, c) => {
    const fits = [...free].filter((k) => apart([a[k] ?? values], [values]) <= tolerance);
    // Its own place first, so that equal columns stay where they are.
    const place = fits.includes(c) ? c : fits[0];
    if (place !== undefined) free.delete(place);
    return place;
  });
  const whole = order.filter((place) => place !== undefined);
  return whole.length === b.length && whole.some((place, c) => place !== c) ? whole : null;
}

/** Least squares of offline on served. */
function factorOf(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  let [cross, squares] = [0, 0];
  b.forEach((values, c) => {
    values.forEach((value, i) => {
      cross += value * (a[c]?.[i] ?? 0);
      squares += value * value;
    });
  });
  return squares === 0 ? 1 : cross / squares;
}

function apart(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  let largest = 0;
  a.forEach((values, c) => {
    values.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(value - (b[c]?.[i] ?? Number.NaN)));
    });
  });
  return Number.isNaN(largest) ? Infinity : largest;
}

function softmax(columns: readonly Float64Array[]): Float64Array[] {
  const rows = columns[0]?.length ?? 0;
  const found = columns.map(() => new Float64Array(rows));
  for (let i = 0; i < rows; i++) {
    const highest = columns.reduce((most, values) => Math.max(most, values[i] ?? 0), -Infinity);
    const powers = columns.map((values) => Math.exp((values[i] ?? 0) - highest));
    const total = powers.reduce((sum, power) => sum + power, 0);
    powers.forEach((power, c) => {
      const own = found[c];
      if (own !== undefined) own[i] = power / total;
    });
  }
  return found;
}

const digits = (value: number): string => String(Number(value.toPrecision(3)));
