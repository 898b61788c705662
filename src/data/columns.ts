import { type Bins, binsOf } from './bins';
import type { Database } from './database';
import type { Feature } from './examples';
import { hashText } from './nearDuplicates/hashing';
import { type ShingleColumn, Shingles } from './nearDuplicates/shingles';
import type { Placed } from './placed';

/** Cells of 8 bytes read by one query. */
const cellsAtOnce = 4_000_000;
/** Beyond, DuckDB's planning grows faster than the columns. */
const mostAtOnce = 32;

/** A feature of all placed rows. */
export type PlacedColumn =
  /** NaN where there is no value. */
  | { name: string; kind: 'number'; values: Float64Array; bins: Bins }
  /** -1 where there is no value; `hashes` of the values by code, whatever the order of the rows. */
  | { name: string; kind: 'category'; codes: Int32Array; hashes: number[] }
  | { name: string; kind: 'text'; shingles: ShingleColumn };

/** One feature after the other; free text only where it is asked for. */
export async function* readColumns(
  db: Database,
  features: readonly Feature[],
  placed: Placed,
  withText: boolean,
): AsyncGenerator<PlacedColumn> {
  const atOnce = Math.max(8, Math.min(mostAtOnce, Math.floor(cellsAtOnce / placed.of.length)));
  for (let from = 0; from < features.length; from += atOnce) {
    const part = features.slice(from, from + atOnce);
    const kinds = await kindsOf(db, part);
    const of = (kind: Kind['kind']): Feature[] => part.filter((_, index) => kinds[index]?.kind === kind);
    yield* await readNumbers(db, of('number'), placed);
    yield* await readCategories(db, of('category'), placed);
    for (const [index, feature] of part.entries()) {
      const kind = kinds[index];
      if (kind?.kind === 'text' && withText) yield await readText(db, feature, placed, kind.words);
    }
  }
}

interface Kind {
  kind: 'number' | 'category' | 'text';
  /** Words of a value, in the mean. */
  words: number;
}

const numeric = /^(?:U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL.*)$/;
const timed = /^(?:DATE|TIMESTAMP.*)$/;
const present = (text: string): string => `nullif(nullif(lower(trim(${text})), ''), 'nan')`;

/** A column of text is a number where every value there is reads as one, free text where values are long and mostly differ. */
async function kindsOf(db: Database, features: readonly Feature[]): Promise<Kind[]> {
  const unknown = features.filter(({ type }) => !numeric.test(type) && !timed.test(type));
  const found = new Map<string, Kind>();
  const counts = await asked(db, unknown, (text) => [`count(${present(text)})`, `count(TRY_CAST(${present(text)} AS DOUBLE))`]);
  const words = unknown.filter((_, index) => counts[index]?.[0] === 0 || counts[index]?.[0] !== counts[index]?.[1]);
  const measured = await asked(db, words, (text) => [
    `count(${text})`,
    `approx_count_distinct(${text})`,
    `avg(length(${text}))`,
    `avg(1 + length(trim(${text})) - length(replace(trim(${text}), ' ', '')))`,
  ]);
  for (const [index, { column }] of words.entries()) {
    const [values = 0, distinct = 0, length = 0, inValue = 0] = measured[index] ?? [];
    found.set(column, { kind: distinct > 0.5 * values && (inValue >= 4 || length >= 40) ? 'text' : 'category', words: inValue });
  }
  return features.map(({ column }) => found.get(column) ?? { kind: 'number', words: 1 });
}

/** Numbers about each column, eight columns a query. */
async function asked(db: Database, features: Feature[], questions: (text: string) => string[]): Promise<number[][]> {
  const answers: number[][] = [];
  for (let from = 0; from < features.length; from += 8) {
    const part = features.slice(from, from + 8).map((feature) => questions(textOf(feature)));
    const row = (await db.first(`SELECT ${part.flat().join(', ')} FROM raw`)).map(Number);
    for (const { length } of part) answers.push(row.splice(0, length));
  }
  return answers;
}

async function readNumbers(db: Database, features: Feature[], { rows, of, training }: Placed): Promise<PlacedColumn[]> {
  if (features.length === 0) return [];
  const cells = features.map(({ column, type }) => {
    const value = timed.test(type) ? `CAST(epoch_us(${column}) AS DOUBLE)` : `TRY_CAST(${column} AS DOUBLE)`;
    return `coalesce(${value}, 'nan'::DOUBLE)`;
  });
  const read = [undefined, ...features].map(() => new Float64Array(of.length));
  const count = await db.doubles(`SELECT CAST(rowid AS DOUBLE), ${cells.join(', ')} FROM raw`, read);
  const [order, ...columns] = read;
  return features.map(({ name }, c) => {
    const values = new Float64Array(rows).fill(Number.NaN);
    for (let at = 0; at < count; at++) {
      const place = of[order?.[at] ?? -1] ?? -1;
      if (place >= 0) values[place] = columns[c]?.[at] ?? Number.NaN;
    }
    return { name, kind: 'number', values, bins: binsOf(values, training) };
  });
}

async function readCategories(db: Database, features: Feature[], { rows, of }: Placed): Promise<PlacedColumn[]> {
  if (features.length === 0) return [];
  const columns = features.map(({ name }) => ({
    name,
    codes: new Int32Array(rows).fill(-1),
    known: new Map<string, number>(),
    hashes: [] as number[],
  }));
  for await (const [row, ...values] of db.rows(`SELECT rowid, ${features.map(textOf).join(', ')} FROM raw`)) {
    const place = of[Number(row)] ?? -1;
    if (place < 0) continue;
    for (const [c, { codes, known, hashes }] of columns.entries()) {
      const value = values[c];
      if (value === null || value === '') continue;
      const text = String(value);
      let code = known.get(text);
      if (code === undefined) {
        code = known.size;
        known.set(text, code);
        hashes.push(hashText(text));
      }
      codes[place] = code;
    }
  }
  return columns.map(({ name, codes, hashes }) => ({ name, kind: 'category', codes, hashes }));
}

async function readText(db: Database, feature: Feature, { rows, of }: Placed, words: number): Promise<PlacedColumn> {
  const shingles = new Shingles(rows, words);
  for await (const [row, value] of db.rows(`SELECT rowid, ${textOf(feature)} FROM raw`)) {
    const place = of[Number(row)] ?? -1;
    if (place >= 0 && value !== null && value !== '') shingles.add(place, String(value));
  }
  return { name: feature.name, kind: 'text', shingles: shingles.column() };
}

const textOf = ({ column, type }: Feature): string => (type === 'VARCHAR' ? column : `CAST(${column} AS VARCHAR)`);
