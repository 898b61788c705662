import { type SplitName, splitNames } from '../contract';
import type { Database } from './database';
import { rowsOfSplit } from './nearDuplicates/found';

/** Cells (rows x columns) looked at for leaks; beyond, rows are thinned by their content, those of training first. 5 bytes each. */
const mostCells = 60_000_000;

/** The rows of all splits in order of their content, so that the order of the file changes nothing. */
export interface Placed {
  rows: number;
  /** Rows before thinning. */
  total: number;
  /** Index into `splitNames`. */
  split: Uint8Array;
  label: Int32Array;
  classes: string[];
  /** 0 or 1 by a stable hash of the unit, or of the content where there is none. */
  half: Uint8Array;
  /** The same number for the same content. */
  content: Int32Array;
  /** The rows of the training split. */
  training: Int32Array;
  /** Place of a row of `raw` here, -1 for none. */
  of: Int32Array;
}

/** Fills the table `leak_rows(i, row, split)` and the arrays beside it. */
export async function placeRows(db: Database, columns: number): Promise<Placed> {
  const most = Math.floor(mostCells / Math.max(1, columns));
  const counts = new Map<string, number>();
  for await (const [split, count] of db.rows('SELECT split, count(*) FROM assigned GROUP BY split'))
    counts.set(String(split), Number(count));
  const total = splitNames.reduce((sum, split) => sum + (counts.get(split) ?? 0), 0);
  const test = Math.min(counts.get('test') ?? 0, Math.ceil(most / 3));
  const validation = Math.min(counts.get('validation') ?? 0, Math.ceil((most - test) / 3));
  const kept = { train: most - test - validation, validation, test };
  await db.run(
    `CREATE OR REPLACE TABLE leak_rows AS
     WITH ranked AS (
       SELECT e.row, e.id, e.label, e.content, a.split, right(coalesce(sha256(e.unit), e.content), 1) < '8' AS half,
         ${total <= most ? '0' : 'row_number() OVER (PARTITION BY a.split ORDER BY e.content, e.id)'} AS place
       FROM examples e JOIN assigned a ON a.row = e.row
     )
     SELECT CAST(row_number() OVER (ORDER BY content, id) - 1 AS INTEGER) AS i, row, split, label,
       content IS DISTINCT FROM lag(content) OVER (ORDER BY content, id) AS fresh, half
     FROM ranked WHERE place <= CASE split ${splitNames.map((split) => `WHEN '${split}' THEN ${kept[split]}`).join(' ')} END`,
  );
  const rows = Number((await db.first('SELECT count(*) FROM leak_rows'))[0]);
  const width = Number((await db.first('SELECT coalesce(max(row), -1) + 1 FROM examples'))[0]);
  const placed: Placed = {
    rows,
    total,
    split: new Uint8Array(rows),
    label: new Int32Array(rows),
    classes: [],
    half: new Uint8Array(rows),
    content: new Int32Array(rows),
    training: new Int32Array(),
    of: new Int32Array(width).fill(-1),
  };
  const codes = new Map<string, number>();
  for await (const [label] of db.rows('SELECT DISTINCT label FROM leak_rows ORDER BY label')) {
    codes.set(String(label), placed.classes.length);
    placed.classes.push(String(label));
  }
  for await (const [i, row, split, label, fresh, half] of db.rows('SELECT i, row, split, label, fresh, half FROM leak_rows')) {
    const at = Number(i);
    placed.split[at] = splitNames.indexOf(split as SplitName);
    placed.label[at] = codes.get(String(label)) ?? 0;
    placed.content[at] = fresh === true ? 1 : 0;
    placed.half[at] = half === true ? 1 : 0;
    placed.of[Number(row)] = at;
  }
  // From marks where a content begins to its number.
  for (let row = 1; row < rows; row++) placed.content[row] = (placed.content[row] ?? 0) + (placed.content[row - 1] ?? 0);
  placed.training = rowsOfSplit(placed, 'train');
  return placed;
}
