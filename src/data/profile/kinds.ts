import type { ColumnProfile } from '../../contract';
import { type Database, quoted } from '../database';

/** A column of a loaded table: its title, and the SQL that reads it. */
export interface KnownColumn {
  name: string;
  kind: ColumnProfile['kind'];
  /** Numbers and times (milliseconds since 1970): a DOUBLE; categories: a VARCHAR. Null where missing. */
  value: string;
}

const iso = String.raw`\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?)?`;
const isoText = new RegExp(`^${iso}$`);

/** Typed columns are what their type says; a text column is a number, or a time, where every value there reads as one. */
export async function knownColumns(
  db: Database,
  table: { from: string; columns: readonly { name: string; column: string }[] },
): Promise<KnownColumn[]> {
  const types = new Map<string, string>();
  for await (const [column, type] of db.rows(`DESCRIBE SELECT * FROM ${table.from}`)) types.set(String(column), String(type));
  const known: KnownColumn[] = [];
  for (let from = 0; from < table.columns.length; from += 200) {
    const part = table.columns.slice(from, from + 200);
    const text = part.filter(({ column }) => types.get(column) === 'VARCHAR');
    const read = await readable(
      db,
      table.from,
      text.map(({ column }) => column),
    );
    for (const { name, column } of part) known.push({ name, ...(read.get(column) ?? typed(column, types.get(column) ?? 'VARCHAR')) });
  }
  return known;
}

function typed(column: string, type: string): Omit<KnownColumn, 'name'> {
  if (/^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL.*)$/.test(type))
    return { kind: 'number', value: `CAST(${column} AS DOUBLE)` };
  if (type === 'DATE' || type.startsWith('TIMESTAMP')) {
    const moment = type === 'TIMESTAMP WITH TIME ZONE' ? column : `CAST(${column} AS TIMESTAMP)`;
    return { kind: 'time', value: `CASE WHEN isfinite(${column}) THEN CAST(epoch_ms(${moment}) AS DOUBLE) END` };
  }
  return { kind: 'category', value: `CAST(${column} AS VARCHAR)` };
}

async function readable(db: Database, from: string, columns: string[]): Promise<Map<string, Omit<KnownColumn, 'name'>>> {
  const found = new Map<string, Omit<KnownColumn, 'name'>>();
  if (columns.length === 0) return found;
  const counts = await db.first(
    `SELECT ${columns.map((c) => `count(${present(c)}), count(CASE WHEN ${present(c)} IS NOT NULL THEN TRY_CAST(${c} AS DOUBLE) END), min(${present(c)})`).join(', ')} FROM ${from}`,
  );
  const perhaps: string[] = [];
  for (const [i, column] of columns.entries()) {
    const [count, numbers, least] = counts.slice(3 * i);
    if (Number(count) > 0 && count === numbers) found.set(column, { kind: 'number', value: `TRY_CAST(${column} AS DOUBLE)` });
    else {
      found.set(column, { kind: 'category', value: present(column) });
      if (isoText.test(String(least).trim())) perhaps.push(column);
    }
  }
  if (perhaps.length === 0) return found;
  const times = await db.first(
    `SELECT ${perhaps.map((c) => `bool_and(${present(c)} IS NULL OR ${moment(c)} IS NOT NULL)`).join(', ')} FROM ${from}`,
  );
  for (const [i, column] of perhaps.entries())
    if (times[i] === true) found.set(column, { kind: 'time', value: `CAST(epoch_ms(${moment(column)}) AS DOUBLE)` });
  return found;
}

/** Without an offset it is UTC, as the database is. */
const moment = (column: string): string =>
  `CASE WHEN regexp_full_match(trim(${column}), ${quoted(iso)}) THEN TRY_CAST(${column} AS TIMESTAMPTZ) END`;

/** Only short text can be a blank or "nan", so that long text is not copied. */
const present = (column: string): string =>
  `CASE WHEN ${column} = '' OR (length(${column}) < 16 AND lower(trim(${column})) IN ('', 'nan')) THEN NULL ELSE ${column} END`;
