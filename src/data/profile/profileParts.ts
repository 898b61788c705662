import type { ColumnProfile } from '../../contract';
import type { Database } from '../database';
import { keptCategories, profileCounts } from './categories';
import { type KnownColumn, knownColumns } from './kinds';
import { categoryNoise, numberNoise, type UnitSample } from './noise';
import { profileNumbers } from './numbers';

/** A table, view or file that is loaded. */
export interface ProfiledTable {
  from: string;
  /** SQL for the number of a row, from 0. */
  row: string;
  rows: number;
  columns: readonly { name: string; column: string }[];
}

/** Which rows belong to which part. */
export interface Parts {
  rows: number[];
  /** Part of each row of the table, `outside` for none; null where there is one part and every row belongs to it. */
  of: Uint8Array | null;
  /** SQL: `from` with a column `part`. */
  from: string;
  /** For the noise of each part; null for none. */
  units: (UnitSample | null)[];
}

export const outside = 255;

/** Doubles held at a time. */
const cells = 8_000_000;
/** Fewer rows than these are counted here, which spares a query for each of very many columns. */
const fewRows = 20_000;

/** Profiles of all columns, part by part. Each column is read once; the order of the rows changes no bit. */
export async function profileParts(db: Database, table: ProfiledTable, parts: Parts, heartbeat: () => void): Promise<ColumnProfile[][]> {
  const columns = await knownColumns(db, table);
  const width = Math.max(1, Math.min(200, Math.floor(cells / Math.max(1, table.rows))));
  const found = new Map<KnownColumn, ColumnProfile[]>();
  const numbers = columns.filter(({ kind }) => kind !== 'category');
  const buffers = Array.from({ length: Math.min(width, numbers.length) }, () => new Float64Array(table.rows));
  for (let from = 0; from < numbers.length; from += width) {
    const group = numbers.slice(from, from + width);
    await db.doubles(`SELECT ${group.map(({ value }) => `coalesce(${value}, 'nan'::DOUBLE)`).join(', ')} FROM ${table.from}`, buffers);
    for (const [i, column] of group.entries()) found.set(column, numberColumn(column, buffers[i]!, parts));
    heartbeat();
  }
  const categories = columns.filter(({ kind }) => kind === 'category');
  if (table.rows <= fewRows)
    for (let from = 0; from < categories.length; from += 200) {
      await countHere(db, table, parts, categories.slice(from, from + 200), found);
      heartbeat();
    }
  else
    for (const column of categories) {
      found.set(column, await countThere(db, table, parts, column));
      heartbeat();
    }
  return parts.rows.map((_, part) => columns.map((column) => found.get(column)![part]!));
}

function numberColumn({ name, kind }: KnownColumn, values: Float64Array, parts: Parts): ColumnProfile[] {
  return parts.rows.map((rows, part) => {
    const own = parts.of === null ? values : pick(values, parts.of, part, rows);
    const profile = profileNumbers(name, own, kind === 'time' ? 'time' : 'number');
    const sample = parts.units[part];
    return withNoise(profile, sample && profile.count > 0 ? numberNoise(values, sample) : undefined);
  });
}

function pick(values: Float64Array, of: Uint8Array, part: number, rows: number): Float64Array {
  const own = new Float64Array(rows);
  for (let row = 0, at = 0; row < of.length; row++) if (of[row] === part) own[at++] = values[row]!;
  return own;
}

async function countHere(
  db: Database,
  table: ProfiledTable,
  parts: Parts,
  columns: KnownColumn[],
  found: Map<KnownColumn, ColumnProfile[]>,
): Promise<void> {
  const values = columns.map(() => new Array<string | null>(table.rows));
  let row = 0;
  for await (const cell of db.rows(`SELECT ${columns.map(({ value }) => value).join(', ')} FROM ${table.from}`)) {
    for (let i = 0; i < columns.length; i++) values[i]![row] = cell[i] as string | null;
    row++;
  }
  for (const [i, column] of columns.entries()) {
    const counts = parts.rows.map(() => new Map<string, number>());
    const missing = parts.rows.map(() => 0);
    for (const [at, value] of values[i]!.entries()) {
      const part = parts.of === null ? 0 : parts.of[at]!;
      if (part === outside) continue;
      if (value === null) missing[part]!++;
      else counts[part]!.set(value, (counts[part]!.get(value) ?? 0) + 1);
    }
    found.set(
      column,
      parts.units.map((sample, part) =>
        withNoise(
          profileCounts(column.name, counts[part]!, missing[part]!),
          sample === null
            ? undefined
            : categoryNoise(
                Array.from(sample.rows, (each) => values[i]![each]!),
                sample,
              ),
        ),
      ),
    );
  }
}

async function countThere(db: Database, table: ProfiledTable, parts: Parts, { name, value }: KnownColumn): Promise<ColumnProfile[]> {
  await db.run(
    `CREATE OR REPLACE TABLE counted AS SELECT part, v, count(*) AS n FROM (SELECT part, ${value} AS v FROM ${parts.from}) WHERE v IS NOT NULL GROUP BY ALL`,
  );
  const profiles: ColumnProfile[] = [];
  for (const [part, rows] of parts.rows.entries()) {
    const [distinct, count] = await db.first(`SELECT count(*), coalesce(sum(n), 0) FROM counted WHERE part = ${part}`);
    const counts = new Map<string, number>();
    for await (const [v, n] of db.rows(`SELECT v, n FROM counted WHERE part = ${part} ORDER BY n DESC, v LIMIT ${keptCategories}`))
      counts.set(String(v), Number(n));
    const kept = profileCounts(name, counts, rows - Number(count));
    const profile = { ...kept, count: Number(count), distinct: Number(distinct), otherCount: Number(count) - kept.count };
    const sample = parts.units[part];
    profiles.push(withNoise(profile, sample ? categoryNoise(await valuesOf(db, table, value, sample), sample) : undefined));
  }
  await db.run('DROP TABLE counted');
  return profiles;
}

async function valuesOf(db: Database, table: ProfiledTable, value: string, sample: UnitSample): Promise<(string | null)[]> {
  const places = new Map(Array.from(sample.rows, (row, place) => [row, place]));
  const values = new Array<string | null>(sample.rows.length).fill(null);
  const wanted = Array.from(sample.rows).join(', ');
  for await (const [row, v] of db.rows(
    `SELECT CAST(${table.row} AS INTEGER), ${value} FROM ${table.from} WHERE ${table.row} IN (SELECT unnest([${wanted}]::BIGINT[]))`,
  ))
    values[places.get(Number(row))!] = v as string | null;
  return values;
}

const withNoise = (profile: ColumnProfile, noise: ColumnProfile['noise'] | undefined): ColumnProfile =>
  noise === undefined ? profile : { ...profile, noise };
