import { type SplitName, splitNames } from '../../contract';
import type { Database } from '../database';
import type { Placed } from '../placed';

export interface Found {
  first: number;
  second: number;
  similarity: number;
}

/** What is compared with the bound and told: two digits, and 1 only where nothing differs. */
export const twoDigits = (similarity: number): number => Math.min(Math.round(100 * similarity), similarity < 1 - 1e-9 ? 99 : 100) / 100;

export function rowsOfSplit({ split, rows }: Pick<Placed, 'split' | 'rows'>, name: SplitName): Int32Array {
  const wanted = splitNames.indexOf(name);
  const found = new Int32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) if (split[row] === wanted) found[count++] = row;
  return found.slice(0, count);
}

/** Rows of any split with the very content of one of these: the check of exact copies tells them. */
export function rowsWithCopies({ content, rows }: Placed, of: Int32Array): Set<number> {
  const contents = new Set<number>();
  for (const row of of) contents.add(content[row] ?? -1);
  const copies = new Set<number>();
  for (let row = 0; row < rows; row++) if (contents.has(content[row] ?? -1)) copies.add(row);
  return copies;
}

/** The first five by the place of their content, named by id. */
export async function named(db: Database, found: Found[]): Promise<[string, string, number][]> {
  const shown = [...found].sort((a, b) => a.second - b.second || a.first - b.first).slice(0, 5);
  if (shown.length === 0) return [];
  const ids = new Map<number, string>();
  const places = shown.flatMap(({ first, second }) => [first, second]);
  for await (const [i, id] of db.rows(
    `SELECT l.i, e.id FROM leak_rows l JOIN examples e ON e.row = l.row WHERE l.i IN (${places.join(', ')})`,
  ))
    ids.set(Number(i), String(id));
  return shown.map(({ first, second, similarity }) => [ids.get(first) ?? '', ids.get(second) ?? '', similarity]);
}
