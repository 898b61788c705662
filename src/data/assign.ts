import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { type ResolvedSpec, type SplitName, splitNames } from '../contract';
import type { Database } from './database';
import { loadMembers } from './members';
import { instantLike, type Moment, momentOf } from './moments';
import { dataInvalid } from './problem';
import { isEvaluated, splitOf } from './split';
import { type SplitRow, splitLine } from './splitFile';
import { stratify } from './strata';

export interface Assigned {
  rows: Record<SplitName, number>;
  units: Record<SplitName, number>;
  /** Null where files or a time name the splits. */
  shares: Record<SplitName, number> | null;
  classes: string[];
  files: Record<SplitName, string>;
}

/** Gives each example its split: fills `assigned(row, split)` and writes the split files, sorted by id. */
export async function assignSplits(db: Database, spec: ResolvedSpec, name: string, folder: string): Promise<Assigned> {
  const byUnit = spec.data.unit !== undefined && !('seed' in spec.data.split && spec.data.split.by === 'id');
  const rule = await ruleOf(db, spec, byUnit, name);
  const files = Object.fromEntries(splitNames.map((each) => [each, join(folder, `${each}.jsonl`)])) as Record<SplitName, string>;
  const streams = Object.fromEntries(splitNames.map((each) => [each, createWriteStream(files[each])])) as Record<
    SplitName,
    ReturnType<typeof createWriteStream>
  >;
  const rows = { train: 0, validation: 0, test: 0 };
  const units: Record<SplitName, Set<string>> = { train: new Set(), validation: new Set(), test: new Set() };
  const numeric = (await db.first(`SELECT bool_and(regexp_full_match(id, '0|-?[1-9][0-9]{0,14}')) FROM examples`))[0] === true;
  const found = db.rows(
    `SELECT e.row, e.id, e.label, e.unit, e.path, e.root, ${rule.column} FROM examples e ${rule.join} ORDER BY ${numeric ? 'CAST(e.id AS BIGINT)' : 'e.id'}`,
  );
  const assign = async function* (): AsyncGenerator<(string | bigint | null)[]> {
    for await (const [row, id, label, unit, path, root, clue] of found) {
      const key = byUnit ? String(unit) : String(root);
      const chosen = rule.splitOf(key, clue === null ? null : String(clue));
      if (chosen === null || (chosen === 'test' && !isEvaluated(key, rule.seed, spec.evaluation.testRatio))) continue;
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
    shares: rule.shares,
    classes: await checkedClasses(db, spec, name, rows),
    files,
  };
}

/** How a row comes to its split: by its key, and by what `column` says of it. */
interface Rule {
  column: string;
  join: string;
  seed: number;
  shares: Record<SplitName, number> | null;
  splitOf: (key: string, clue: string | null) => SplitName | null;
}

async function ruleOf(db: Database, spec: ResolvedSpec, byUnit: boolean, name: string): Promise<Rule> {
  const { split, unit } = spec.data;
  if ('train' in split) {
    await loadMembers(db, spec, split, name);
    return {
      column: 'm.split',
      join: 'LEFT JOIN members m ON m.id = e.id',
      seed: 0,
      shares: null,
      splitOf: (_, member) => member as SplitName | null,
    };
  }
  if ('time' in split) {
    if (Number((await db.first('SELECT count(path) FROM examples'))[0]) > 0)
      throw dataInvalid(
        `${name} is a folder of files, which have no column "${split.time}" (data.split.time). Split it by fractions or by files.`,
      );
    const from = boundsOf(split);
    const at = (clue: string | null): SplitName => {
      const time = momentOf(clue ?? '')?.value ?? Number.NaN;
      if (time >= from.test) return 'test';
      return time >= from.validation ? 'validation' : 'train';
    };
    return { column: 'e.time', join: '', seed: 0, shares: null, splitOf: (_, clue) => at(clue) };
  }
  if (split.by === 'unit' && unit === undefined)
    throw dataInvalid('data.split.by is "unit", and data.unit names no column. Name the column that says what is sampled independently.');
  if (split.test + split.validation >= 1)
    throw dataInvalid(
      `data.split: test ${split.test} and validation ${split.validation} leave nothing to train on. Their sum must be under 1.`,
    );
  const shares = { train: 1 - split.test - split.validation, validation: split.validation, test: split.test * spec.evaluation.testRatio };
  if (!split.stratify) return { column: 'NULL', join: '', seed: split.seed, shares, splitOf: (key) => splitOf(key, split) };
  const key = byUnit ? 'unit' : 'root';
  await stratify(db, key, split);
  return {
    column: 's.split',
    join: `JOIN strata s ON s.key = e.${key}`,
    seed: split.seed,
    shares,
    splitOf: (_, stratum) => stratum as SplitName | null,
  };
}

/** From which moment on rows are for validation and for the test; no validation starts at the end. */
function boundsOf(split: { before: string; validationFrom?: string | undefined }): { validation: number; test: number } {
  const read = (key: string, text: string): Moment => {
    const moment = momentOf(text);
    if (moment === null) throw dataInvalid(`data.split.${key}: expected ${instantLike}, or a number, got "${text}".`);
    return moment;
  };
  const test = read('before', split.before);
  if (split.validationFrom === undefined) return { validation: test.value, test: test.value };
  const validation = read('validationFrom', split.validationFrom);
  if (validation.kind !== test.kind || validation.value >= test.value)
    throw dataInvalid(
      `data.split.validationFrom: expected a time before data.split.before (${split.before}), got "${split.validationFrom}". The validation rows lie between the two.`,
    );
  return { validation: validation.value, test: test.value };
}

async function checkedClasses(db: Database, spec: ResolvedSpec, name: string, rows: Record<SplitName, number>): Promise<string[]> {
  const { split } = spec.data;
  const validation =
    'train' in split ? split.validation !== undefined : 'time' in split ? split.validationFrom !== undefined : split.validation > 0;
  const asked = { train: true, test: true, validation };
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
    if (rows[part] === 0) throw dataInvalid(`${name}: the ${part} split is empty. ${await mendOfEmpty(db, split)}`);
    const lacking = part === 'validation' ? undefined : classes.find((label) => counts.get(label)?.[part] === undefined);
    if (lacking !== undefined) {
      const total = Object.values(counts.get(lacking) ?? {}).reduce((sum, count) => sum + count, 0);
      throw dataInvalid(
        `${name}: the ${part} split (${rows[part]} rows) has no row of class "${lacking}", which has ${total} in all. Add rows of that class, enlarge the split, or ${'seed' in split ? (split.stratify ? 'leave the class out' : 'choose another data.split.seed, or data.split.stratify') : 'change which rows belong to it'}.`,
      );
    }
  }
  return classes;
}

async function mendOfEmpty(db: Database, split: ResolvedSpec['data']['split']): Promise<string> {
  if (!('time' in split)) return 'Enlarge its share under data.split (or evaluation.testRatio), or add data.';
  const times: { text: string; value: number }[] = [];
  for await (const [text] of db.rows('SELECT DISTINCT time FROM examples'))
    times.push({ text: String(text), value: momentOf(String(text))?.value ?? Number.NaN });
  times.sort((a, b) => a.value - b.value);
  return `"${split.time}" runs from ${times[0]?.text} to ${times.at(-1)?.text}, data.split.before is ${split.before}${split.validationFrom === undefined ? '' : `, data.split.validationFrom ${split.validationFrom}`}: move them into that range.`;
}

/** Numbers by value, other text by code units. */
function numbersFirst(labels: string[]): (a: string, b: string) => number {
  const numeric = labels.every((label) => label.trim() !== '' && Number.isFinite(Number(label)));
  return (a, b) => (numeric && Number(a) !== Number(b) ? Number(a) - Number(b) : a < b ? -1 : 1);
}
