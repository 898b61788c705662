import type { Manifest, ResolvedSpec } from '../contract';
import type { Database } from './database';
import type { LoadedTable } from './loadTable';
import { dataInvalid, didYouMean } from './problem';
import { instantLike, momentOf } from './moments';

/** A column of `raw` that is a feature, with DuckDB's name of its type. */
export interface Feature {
  name: string;
  column: string;
  type: string;
}

export interface Examples {
  features: Feature[];
  place: (row: number) => string;
}

/** Fills `examples(row, id, label, unit, content, path, root, time)` from the table `raw`; `content` is a hash of the features alone. */
export async function examplesOfTable(db: Database, spec: ResolvedSpec, table: LoadedTable, name: string): Promise<Examples> {
  const { label, id, unit, split } = spec.data;
  const text = (index: number): string => (table.types[index] === 'VARCHAR' ? `c${index}` : `CAST(c${index} AS VARCHAR)`);
  const column = (wanted: string, key: string): string => {
    const index = table.columns.indexOf(wanted);
    if (index >= 0) return text(index);
    throw dataInvalid(`${name} has no column "${wanted}" (data.${key}); ${didYouMean(wanted, table.columns)}`);
  };
  const labels = column(label, 'label');
  const ids = id === undefined ? null : column(id, 'id');
  const units = unit === undefined ? null : column(unit, 'unit');
  const time = 'time' in split ? column(split.time, 'split.time') : null;
  const features = table.columns.flatMap((title, i) =>
    [label, id, unit].includes(title) ? [] : [{ name: title, column: `c${i}`, type: table.types[i] ?? 'VARCHAR', text: text(i) }],
  );
  if (features.length === 0) throw dataInvalid(`${name} has no column beside label, id and unit: there is nothing to learn from.`);
  // By name, so that another order of the columns is the same content.
  const sorted = [...features].sort((a, b) => (a.name < b.name ? -1 : 1)).map((feature) => feature.text);
  await db.run(
    `CREATE TABLE hashed AS SELECT rowid AS row, ${ids ?? 'NULL'} AS given, ${labels} AS label, ${units ?? 'NULL::VARCHAR'} AS unit,
       sha256(CAST(to_json([${sorted.join(', ')}]) AS VARCHAR)) AS content, ${time ?? 'NULL::VARCHAR'} AS time FROM raw`,
  );
  await refuseMissing(db, 'label', label, name, table);
  if (ids !== null) await refuseMissing(db, 'given', id ?? '', name, table);
  if (units !== null) await refuseMissing(db, 'unit', unit ?? '', name, table);
  const made = `substr(sha256(content || ':' || label), 1, 16)`;
  // Without an id column the content is the identity; copies are told apart by an ordinal.
  const identity = ids !== null ? 'given' : `${made} || CASE n WHEN 1 THEN '' ELSE '-' || n END`;
  await db.run(
    `CREATE TABLE examples AS SELECT row, ${identity} AS id, label, unit, content, NULL::VARCHAR AS path, ${ids === null ? made : 'given'} AS root, time
     FROM (SELECT *, row_number() OVER (PARTITION BY content, label ORDER BY row) AS n FROM hashed)`,
  );
  if (ids !== null) await refuseDuplicates(db, id ?? '', name, table);
  if (ids !== null) await refuseTwoSpellings(db, id ?? '', name, table);
  if ('time' in split) await refuseNoTimes(db, split, name, table);
  return { features: features.map(({ name: title, column: place, type }) => ({ name: title, column: place, type })), place: table.place };
}

/** One folder a class: the path is the identity, the file's digest the content. */
export async function examplesOfFolder(db: Database, manifest: Manifest, name: string): Promise<Examples> {
  const files = manifest.files.filter(({ path }) => !path.split('/').some((part) => part.startsWith('.')));
  for (const { path, size } of files) {
    if (!path.includes('/'))
      throw dataInvalid(
        `${name}/${path} lies in no class folder. Expected ${name}/<class>/<file>; move it into its class, or out of the data.`,
      );
    if (size === 0) throw dataInvalid(`${name}/${path} is empty (0 bytes). Copy it again, or remove it.`);
  }
  if (files.length === 0) throw dataInvalid(`${name} holds no files; expected ${name}/<class>/<file>.`);
  await db.run(
    'CREATE TABLE examples (row BIGINT, id VARCHAR, label VARCHAR, unit VARCHAR, content VARCHAR, path VARCHAR, root VARCHAR, time VARCHAR)',
  );
  await db.run('CREATE TABLE raw (c0 VARCHAR, c1 VARCHAR)');
  await db.append(
    'examples',
    files.map(({ path, digest }, row) => [BigInt(row), path, path.slice(0, path.indexOf('/')), null, digest, path, path, null]),
  );
  await db.append(
    'raw',
    files.map(({ path, size }) => [String(size), /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? null]),
  );
  return {
    features: [
      { name: 'bytes', column: 'c0', type: 'VARCHAR' },
      { name: 'extension', column: 'c1', type: 'VARCHAR' },
    ],
    place: (row) => files[row]?.path ?? `file ${row}`,
  };
}

async function refuseMissing(db: Database, column: string, title: string, name: string, table: LoadedTable): Promise<void> {
  const missing = `${column} IS NULL OR lower(trim(${column})) IN ('', 'nan', 'null')`;
  const [row, value, count] = await db.first(`SELECT row, ${column}, count(*) OVER () FROM hashed WHERE ${missing} ORDER BY row LIMIT 1`);
  if (row === undefined) return;
  const more = Number(count) > 1 ? `, and in ${Number(count) - 1} more rows` : '';
  throw dataInvalid(
    `${name}, ${table.place(Number(row))}, column "${title}": ${value === null || value === '' ? 'no value' : `"${value}"`}${more}. Fill it in, or remove the row.`,
  );
}

async function refuseDuplicates(db: Database, title: string, name: string, table: LoadedTable): Promise<void> {
  const [id, first, second, count] = await db.first(
    `SELECT id, rows[1], rows[2], count(*) OVER () FROM (SELECT id, list(row ORDER BY row) AS rows FROM examples GROUP BY id HAVING count(*) > 1) ORDER BY rows[1] LIMIT 1`,
  );
  if (id === undefined) return;
  const more = Number(count) > 1 ? ` ${Number(count) - 1} more ids are repeated.` : '';
  throw dataInvalid(
    `${name}: the id "${id}" (column "${title}") stands in ${table.place(Number(first))} and in ${table.place(Number(second))}.${more} An id names one row: correct it, or leave data.id out.`,
  );
}

/** Every row of a split by time needs one, of the same kind as `before`. */
async function refuseNoTimes(db: Database, split: { time: string; before: string }, name: string, table: LoadedTable): Promise<void> {
  const bound = momentOf(split.before);
  for await (const [row, value] of db.rows('SELECT row, time FROM hashed ORDER BY row')) {
    const text = value === null ? '' : String(value);
    const moment = momentOf(text);
    if (moment?.kind === bound?.kind && moment !== null) continue;
    const wanted = bound?.kind === 'number' ? `a number, as data.split.before is (${split.before})` : instantLike;
    throw dataInvalid(
      `${name}, ${table.place(Number(row))}, column "${split.time}" (data.split.time): expected ${wanted}, got ${text === '' ? 'no value' : `"${text}"`}. Correct the value, or remove the row.`,
    );
  }
}

/** 1, 01 and 1.0 are one id to a reader that takes them for numbers, and three to one that does not. */
async function refuseTwoSpellings(db: Database, title: string, name: string, table: LoadedTable): Promise<void> {
  const plain = `regexp_replace(regexp_replace(id, '^([+-]?)0+([0-9])', '\\1\\2'), '^[+]|\\.0+$', '', 'g')`;
  const [ids, rows] = await db.first(
    `SELECT list(id ORDER BY row)::VARCHAR[], list(row ORDER BY row)::VARCHAR[] FROM examples WHERE regexp_full_match(id, '[+-]?[0-9]+(\\.0+)?')
     GROUP BY ${plain} HAVING count(*) > 1 ORDER BY min(row) LIMIT 1`,
  );
  if (ids === undefined) return;
  const [texts, places] = [ids, rows].map((list) => (list as { items: string[] }).items);
  const [one, other] = [0, 1].map((at) => `"${texts?.[at]}" in ${table.place(Number(places?.[at]))}`);
  throw dataInvalid(
    `${name}: the ids ${one} and ${other} (column "${title}") are one number written in two ways. Write ids in one way, or leave data.id out.`,
  );
}
