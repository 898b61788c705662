import { type Database, quoted } from './database';
import { dataInvalid, didYouMean } from './problem';
import type { KnownColumn } from './profile/kinds';

export interface Slice {
  name: string;
  /** A condition on the columns of a row, as DuckDB's SQL has it. */
  where: string;
}

/**
 * Which rows meet each condition: one byte a row of `from`, by its rowid. A condition that is unknown (a missing value) leaves the row out.
 * `place` names the conditions in messages, e.g. `data.slices`.
 */
export async function sliceMasks(
  db: Database,
  table: { from: string; rows: number; columns: readonly KnownColumn[] },
  slices: readonly Slice[],
  place: string,
): Promise<Uint8Array[]> {
  const masks = slices.map(() => new Uint8Array(table.rows));
  if (slices.length === 0) return masks;
  const view = `(SELECT rowid AS "${rowColumn}", ${table.columns.map(shown).join(', ')} FROM ${table.from})`;
  for (const slice of slices) await checkCondition(db, view, table.columns, slice, place);
  const cells = slices.map(({ where }) => `coalesce((${where}\n), FALSE)`);
  const found = db.rows(`SELECT "${rowColumn}", ${cells.join(', ')} FROM ${view}`);
  try {
    for await (const [row, ...values] of found) for (const [i, mask] of masks.entries()) if (values[i] === true) mask[Number(row)] = 1;
  } catch (error) {
    // A value that cannot be cast or divided shows only while the rows are read.
    const named = await firstFailing(db, view, slices);
    throw dataInvalid(
      `${place}${named === undefined ? '' : `, "${named.name}": ${named.where}`} fails on these rows: ${firstLine(error)}`,
      error,
    );
  }
  return masks;
}

async function firstFailing(db: Database, view: string, slices: readonly Slice[]): Promise<Slice | undefined> {
  for (const slice of slices) {
    try {
      await db.first(`SELECT count(*) FILTER (${slice.where}\n) FROM ${view}`);
    } catch {
      return slice;
    }
  }
  return undefined;
}

/** What gives another answer when it is asked again. */
const volatile =
  /"function_name":"(random|setseed|uuid\w*|gen_random_uuid|now|today|current_\w+|get_current_\w+|transaction_timestamp|txid_current|nextval|currval)"/;

/** No title of a user's column. */
const rowColumn = '\u0001row';

/** A column by its title, and times as times, so that they compare with '2026-01-31'. */
const shown = ({ name, kind, value }: KnownColumn): string =>
  `${kind === 'time' ? `make_timestamp(CAST(${value} * 1000 AS BIGINT))` : value} AS "${name.replaceAll('"', '""')}"`;

async function checkCondition(
  db: Database,
  view: string,
  columns: readonly KnownColumn[],
  { name, where }: Slice,
  place: string,
): Promise<void> {
  const refuse = (why: string, cause?: unknown): Error =>
    dataInvalid(`${place}, "${name}": ${where} ${why}; expected a condition on the columns, such as "x" > 3 or country = 'DE'`, cause);
  const [parsed] = await db.first(`SELECT CAST(json_serialize_sql(${quoted(`SELECT 1 WHERE (${where}\n)`)}) AS VARCHAR)`);
  const tree = JSON.parse(String(parsed)) as { error: boolean; error_message?: string; statements?: unknown[] };
  if (tree.error) throw refuse(`is no SQL (${(tree.error_message ?? '').split('\n')[0]})`);
  // A subquery could read files of the host, and would not be a property of a row.
  if (tree.statements?.length !== 1 || String(parsed).includes('"class":"SUBQUERY"')) throw refuse('holds a query of its own');
  const [, changing] = volatile.exec(String(parsed)) ?? [];
  if (changing !== undefined) throw refuse(`calls ${changing}(), which has another value tomorrow`);
  let type: unknown;
  try {
    [, type] = await db.first(`SELECT * FROM (DESCRIBE SELECT "${rowColumn}", (${where}\n) AS met FROM ${view}) WHERE column_name = 'met'`);
  } catch (error) {
    const missing = /Referenced column "(.*?)" (?:was )?not found/.exec((error as Error).message)?.[1];
    const names = columns.map((column) => column.name);
    throw refuse(
      missing === undefined ? `fails: ${firstLine(error)}` : `names no column "${missing}"; ${didYouMean(missing, names)}`,
      error,
    );
  }
  if (type !== 'BOOLEAN') throw refuse(`is of type ${String(type)}, neither true nor false`);
}

const firstLine = (error: unknown): string => ((error as Error).message ?? String(error)).split('\n')[0] ?? '';
