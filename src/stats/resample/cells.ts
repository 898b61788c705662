/** Rows that agree in everything a metric looks at, counted once. Cells stand in descending order of count, then of key. */
export interface Cells {
  /** Rows of each cell. */
  counts: Int32Array;
  /** One row of each cell. */
  example: Int32Array;
  /** Cell of each row; made when asked for. */
  ofRow: () => Int32Array;
}

/** A whole number below `size` for each row: the values, or how many of `predictions` equal them. */
export interface CellColumn {
  size: number;
  values: Int32Array;
  predictions?: readonly Int32Array[];
}

/** Groups rows by a tuple of small whole numbers; a row may stand for several. The order of rows changes nothing but `example`. */
export function countCells(rows: number, columns: readonly CellColumn[], weights?: Int32Array): Cells {
  let span = 1;
  for (const { size } of columns) span *= size;
  return span <= tableLimit ? countThroughTable(rows, columns, span, weights) : countBySorting(rows, columns, weights);
}

/** Keys up to here are counted in a table. */
const tableLimit = 1 << 22;
/** Rows whose keys are made at a time, so that they stay in the cache. */
const stretch = 4096;

function countThroughTable(rows: number, columns: readonly CellColumn[], span: number, weights: Int32Array | undefined): Cells {
  const size = new Int32Array(span);
  const last = new Int32Array(span);
  const keys = new Int32Array(stretch);
  for (let from = 0; from < rows; from += stretch) {
    const count = Math.min(stretch, rows - from);
    keysOf(columns, from, count, keys);
    for (let i = 0; i < count; i++) {
      const key = keys[i]!;
      size[key]! += weights === undefined ? 1 : weights[from + i]!;
      last[key] = from + i;
    }
  }
  let used = 0;
  for (let key = 0; key < span; key++) if (size[key]! > 0) used++;
  // Sorted as numbers: the count first, then the smaller key; below 2^31 · 2^22.
  const most = 0x7fffffff;
  const order = new Float64Array(used);
  let at = 0;
  for (let key = 0; key < span; key++) if (size[key]! > 0) order[at++] = (most - size[key]!) * span + key;
  order.sort();
  const counts = new Int32Array(used);
  const example = new Int32Array(used);
  for (let c = 0; c < used; c++) {
    const key = order[c]! % span;
    counts[c] = size[key]!;
    example[c] = last[key]!;
  }
  const ofRow = (): Int32Array => {
    const cellOf = new Int32Array(span);
    for (let c = 0; c < used; c++) cellOf[order[c]! % span] = c;
    const cells = new Int32Array(rows);
    for (let from = 0; from < rows; from += stretch) {
      const count = Math.min(stretch, rows - from);
      keysOf(columns, from, count, keys);
      for (let i = 0; i < count; i++) cells[from + i] = cellOf[keys[i]!]!;
    }
    return cells;
  };
  return { counts, example, ofRow };
}

function keysOf(columns: readonly CellColumn[], from: number, count: number, keys: Int32Array): void {
  keys.fill(0, 0, count);
  for (const { size, values, predictions } of columns) {
    for (let i = 0; i < count; i++) keys[i] = Math.imul(keys[i]!, size);
    if (predictions === undefined) for (let i = 0; i < count; i++) keys[i]! += values[from + i]!;
    else for (const other of predictions) for (let i = 0; i < count; i++) keys[i]! += other[from + i] === values[from + i] ? 1 : 0;
  }
}

/** Column by column: the number of a group so far and the next value name the next group, so that any number of columns fits. */
function countBySorting(rows: number, columns: readonly CellColumn[], weights: Int32Array | undefined): Cells {
  const group = new Int32Array(rows);
  let groups = 1;
  const keys = new Float64Array(rows);
  const values = new Int32Array(rows);
  for (const column of columns) {
    for (let from = 0; from < rows; from += stretch) {
      keysOf([column], from, Math.min(stretch, rows - from), values.subarray(from, Math.min(rows, from + stretch)));
    }
    for (let i = 0; i < rows; i++) keys[i] = group[i]! * column.size + values[i]!;
    groups = renumber(keys, group);
  }
  const size = new Int32Array(groups);
  for (let i = 0; i < rows; i++) size[group[i]!]! += weights === undefined ? 1 : weights[i]!;
  const order = new Float64Array(groups);
  let most = 0;
  for (let g = 0; g < groups; g++) most = Math.max(most, size[g]!);
  for (let g = 0; g < groups; g++) order[g] = (most - size[g]!) * groups + g;
  order.sort();
  const counts = new Int32Array(groups);
  const rank = new Int32Array(groups);
  for (let c = 0; c < groups; c++) {
    const g = order[c]! % groups;
    rank[g] = c;
    counts[c] = size[g]!;
  }
  const example = new Int32Array(groups);
  for (let i = 0; i < rows; i++) {
    const cell = rank[group[i]!]!;
    group[i] = cell;
    example[cell] = i;
  }
  return { counts, example, ofRow: () => group };
}

/** Numbers the keys that occur in ascending order. */
function renumber(keys: Float64Array, group: Int32Array): number {
  const distinct = keys.slice().sort();
  let used = 0;
  for (let i = 0; i < distinct.length; i++) if (i === 0 || distinct[i] !== distinct[i - 1]) distinct[used++] = distinct[i]!;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    let low = 0;
    let high = used - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (distinct[middle]! < key) low = middle + 1;
      else high = middle;
    }
    group[i] = low;
  }
  return used;
}
