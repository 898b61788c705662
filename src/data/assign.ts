import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { type ResolvedSpec, type SplitName, splitNames } from '../contract';
import { type Database, quoted } from './database';
import { formatOf } from './source';
import { loadTable } from './loadTable';
import { dataInvalid, didYouMean } from './problem';
import { isEvaluated, splitOf } from './split';
import { type SplitRow, splitLine } from './splitFile';

export interface Assigned {
  rows: Record<SplitName, number>;
  units: Record<SplitName, number>;
  shares: Record<SplitName, number> | null;
  classes: string[];
  files: Record<SplitName, string>;
}

/** Gives each example its split: fills `assigned(row, split)` and writes the split files, sorted by id. */
export async function assignSplits(db: Database, spec: ResolvedSpec, name: string, folder: string): Promise<Assigned> {
  const { split } = spec.data;
  const byFile = 'train' in split;
  if (byFile) await loadMembers(db, spec, split, name, folder);
  const seed = byFile ? 0 : split.seed;
  const byUnit = spec.data.unit !== undefined && (byFile || split.by !== 'id');
  if (!byFile && split.by === 'unit' && spec.data.unit === undefined)
    throw dataInvalid('data.split.by is "unit", and data.unit names no column. Name the column that says what is sampled independently.');
  if (!byFile && split.test + split.validation >= 1)
    throw dataInvalid(
      `data.split: test ${split.test} and validation ${split.validation} leave nothing to train on. Their sum must be under 1.`,
    );

  const files = Object.fromEntries(splitNames.map((each) => [each, join(folder, `${each}.jsonl`)])) as Record<SplitName, string>;
  const streams = Object.fromEntries(splitNames.map((each) => [each, createWriteStream(files[each])])) as Record<
    SplitName,
    ReturnType<typeof createWriteStream>
  >;
  const rows = { train: 0, validation: 0, test: 0 };
  const units: Record<SplitName, Set<string>> = { train: new Set(), validation: new Set(), test: new Set() };
  const numeric = (await db.first(`SELECT bool_and(regexp_full_match(id, '0|-?[1-9][0-9]{0,14}')) FROM examples`))[0] === true;
  const found = db.rows(
    `SELECT e.row, e.id, e.label, e.unit, e.path, e.root, ${byFile ? 'm.split' : 'NULL'} FROM examples e ${byFile ? 'LEFT JOIN members m ON m.id = e.id' : ''}
     ORDER BY ${numeric ? 'CAST(e.id AS BIGINT)' : 'e.id'}`,
  );
  const assign = async function* (): AsyncGenerator<(string | bigint | null)[]> {
    for await (const [row, id, label, unit, path, root, member] of found) {
      const key = byUnit ? String(unit) : String(root);
      const chosen = byFile ? (member as SplitName | null) : splitOf(key, split);
      if (chosen === null || (chosen === 'test' && !isEvaluated(key, seed, spec.evaluation.testRatio))) continue;
      const line: SplitRow = {
        id: numeric ? Number(id) : String(id),
        label: String(label),
        ...(path === null ? { row: Number(row) } : { path: String(path) }),
        ...(unit === null ? {} : { unit: String(unit) }),
      };
      if (!streams[chosen].write(splitLine(line))) await once(streams[chosen], 'drain');
      rows[chosen]++;
      if (spec.data.unit !== undefined) units[chosen].add(key);
      yield [BigInt(String(row)), chosen];
    }
  };
  await db.run('CREATE TABLE assigned (row BIGINT, split VARCHAR)');
  await db.append('assigned', assign());
  for (const each of splitNames) {
    streams[each].end();
    await finished(streams[each]);
  }
  return {
    rows,
    units: byUnit ? { train: units.train.size, validation: units.validation.size, test: units.test.size } : rows,
    shares: byFile
      ? null
      : { train: 1 - split.test - split.validation, validation: split.validation, test: split.test * spec.evaluation.testRatio },
    classes: await checkedClasses(db, spec, name, rows),
    files,
  };
}

async function checkedClasses(db: Database, spec: ResolvedSpec, name: string, rows: Record<SplitName, number>): Promise<string[]> {
  const { split } = spec.data;
  const asked = { train: true, test: true, validation: 'train' in split ? split.validation !== undefined : split.validation > 0 };
  const counts = new Map<string, Partial<Record<SplitName, number>>>();
  for await (const [label, part, count] of db.rows(
    'SELECT e.label, a.split, count(*) FROM examples e LEFT JOIN assigned a ON a.row = e.row GROUP BY ALL',
  )) {
    const row = counts.get(String(label)) ?? {};
    if (part !== null) row[part as SplitName] = Number(count);
    counts.set(String(label), row);
  }
  const classes = [...counts.keys()].sort(numbersFirst([...counts.keys()]));
  if (classes.length === 1)
    throw dataInvalid(
      `${name}: every row has the label "${classes[0]}" (column "${spec.data.label}"). A comparison of classifiers needs two classes or more.`,
    );
  for (const part of splitNames) {
    if (!asked[part]) continue;
    if (rows[part] === 0)
      throw dataInvalid(`${name}: the ${part} split is empty. Enlarge its share under data.split (or evaluation.testRatio), or add data.`);
    const lacking = part === 'validation' ? undefined : classes.find((label) => counts.get(label)?.[part] === undefined);
    if (lacking !== undefined) {
      const total = Object.values(counts.get(lacking) ?? {}).reduce((sum, count) => sum + count, 0);
      throw dataInvalid(
        `${name}: the ${part} split (${rows[part]} rows) has no row of class "${lacking}", which has ${total} in all. Add rows of that class, enlarge the split, or choose another data.split.seed.`,
      );
    }
  }
  return classes;
}

/** Numbers by value, other text by code units. */
function numbersFirst(labels: string[]): (a: string, b: string) => number {
  const numeric = labels.every((label) => label.trim() !== '' && Number.isFinite(Number(label)));
  return (a, b) => (numeric && Number(a) !== Number(b) ? Number(a) - Number(b) : a < b ? -1 : 1);
}

/** Files that name the ids of each split: one a line in `.txt`, or a table with the id column. */
async function loadMembers(
  db: Database,
  spec: ResolvedSpec,
  split: { train: string; validation?: string | undefined; test: string },
  name: string,
  folder: string,
): Promise<void> {
  const idColumn = spec.data.id ?? 'id';
  await db.run('CREATE TABLE members (id VARCHAR, split VARCHAR)');
  for (const part of splitNames) {
    const file = split[part];
    if (file === undefined) continue;
    const path = resolve(spec.root, file);
    const format = formatOf(path);
    const missing = (error: unknown): never => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        throw dataInvalid(`data.split.${part}: ${path} does not exist. It lists the ids of that split.`, error);
      throw error;
    };
    if (format === undefined || format === 'npz' || format === 'folder') {
      const ids = (await readFile(path, 'utf8').catch(missing)).split(/\r?\n/).filter((line) => line !== '');
      await db.append(
        'members',
        ids.map((id) => [id, part]),
      );
    } else {
      const table = await loadTable(db, `ids_${part}`, format, path, basename(path), folder).catch(missing);
      const index = table.columns.indexOf(idColumn);
      if (index < 0)
        throw dataInvalid(`data.split.${part}: ${basename(path)} has no column "${idColumn}"; ${didYouMean(idColumn, table.columns)}`);
      await db.run(`INSERT INTO members SELECT c${index}, ${quoted(part)} FROM ids_${part}`);
    }
  }
  const [twice, first, second] = await db.first(
    'SELECT id, min(split), max(split) FROM members GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT 1',
  );
  if (twice !== undefined)
    throw dataInvalid(
      first === second
        ? `data.split.${first}: the id "${twice}" is listed twice. List each id once.`
        : `data.split: the id "${twice}" is listed in ${first} and in ${second}. An example belongs to one split.`,
    );
  const [unknown, part] = await db.first('SELECT m.id, m.split FROM members m ANTI JOIN examples e ON e.id = m.id ORDER BY m.id LIMIT 1');
  if (unknown !== undefined) throw dataInvalid(`data.split.${part}: the id "${unknown}" is not in ${name}. Correct the list, or the data.`);
}
