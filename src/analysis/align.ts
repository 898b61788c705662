/** Rows of a run in the order of the test split, or why they cannot be paired with it. */
export type Aligned = { scores: Float64Array; problem: null } | { scores: null; problem: string };

/**
 * Pairs a run's predictions with the test rows by id, never by order.
 * `predScores` is row-major, rows of `predIds` x `classes`; ids are compared as text.
 */
export function alignRun(input: {
  ids: readonly string[];
  labels: ArrayLike<number>;
  classes: number;
  predIds: ArrayLike<string | number | bigint>;
  predLabels: ArrayLike<number> | null;
  predScores: ArrayLike<number>;
  /** What the ids are held against, as the message names it; default: the test split. */
  against?: string;
}): Aligned {
  const { ids, labels, classes, predIds, predLabels, predScores, against = 'the test split' } = input;
  if (predScores.length !== predIds.length * classes) {
    const found = predIds.length === 0 ? 0 : predScores.length / predIds.length;
    return refuse(`scores have ${Number(found.toFixed(3))} columns for ${predIds.length} ids, expected ${classes}, one a class`);
  }
  const rowOf = new Map<string, number>();
  const repeated: string[] = [];
  for (let row = 0; row < predIds.length; row++) {
    const id = String(predIds[row]);
    if (rowOf.has(id)) repeated.push(id);
    else rowOf.set(id, row);
  }
  if (repeated.length > 0) return refuse(`${counted(repeated.length, 'id')} given twice: ${some(repeated)}`);
  const missing = ids.filter((id) => !rowOf.has(id));
  if (missing.length > 0) return refuse(`${counted(missing.length, 'id')} of ${against} missing: ${some(missing)}`);
  if (rowOf.size > ids.length) {
    const known = new Set(ids);
    const unknown = [...rowOf.keys()].filter((id) => !known.has(id));
    return refuse(`${counted(unknown.length, 'id')} not in ${against}: ${some(unknown)}`);
  }
  return gather(ids, labels, classes, rowOf, predLabels, predScores, against);
}

function gather(
  ids: readonly string[],
  labels: ArrayLike<number>,
  classes: number,
  rowOf: Map<string, number>,
  predLabels: ArrayLike<number> | null,
  predScores: ArrayLike<number>,
  against: string,
): Aligned {
  const scores = new Float64Array(ids.length * classes);
  const disagree: string[] = [];
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as string;
    const row = rowOf.get(id) as number;
    if (predLabels !== null && predLabels[row] !== labels[i]) disagree.push(id);
    let sum = 0;
    for (let c = 0; c < classes; c++) {
      const score = predScores[row * classes + c] as number;
      if (!Number.isFinite(score)) return refuse(`the score of id ${id}, class ${c}, is ${score}, expected a finite number`);
      scores[i * classes + c] = score;
      sum += score;
    }
    if (Math.abs(sum - 1) > 1e-4) return refuse(`the scores of id ${id} sum to ${sum.toPrecision(6)}, expected 1 within 0.0001`);
  }
  if (disagree.length > 0) return refuse(`labels of ${counted(disagree.length, 'id')} disagree with ${against}: ${some(disagree)}`);
  return { scores, problem: null };
}

function refuse(problem: string): Aligned {
  return { scores: null, problem };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The first five of a list, and that there are more. */
export function some(items: readonly string[]): string {
  return items.slice(0, 5).join(', ') + (items.length > 5 ? ', ...' : '');
}
