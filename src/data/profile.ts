import type { ColumnProfile, SplitName, SplitProfile } from '../contract';
import { splitNames } from '../contract';
import type { Database } from './database';
import type { Examples } from './examples';

const sampleSize = 10_000;
const keptCategories = 1000;

/** Profiles of all splits; every column is read once, in order of its values, so that the order of rows changes no bit. */
export async function profileSplits(db: Database, { features }: Examples, heartbeat: () => void): Promise<Record<SplitName, SplitProfile>> {
  const profiles: Record<SplitName, SplitProfile> = { train: empty(), validation: empty(), test: empty() };
  for await (const [split, label, count] of db.rows(
    'SELECT a.split, e.label, count(*) FROM assigned a JOIN examples e ON e.row = a.row GROUP BY ALL ORDER BY ALL',
  )) {
    const profile = profiles[split as SplitName];
    profile.classes[String(label)] = Number(count);
    profile.rows += Number(count);
  }
  const kinds = await columnKinds(
    db,
    features.map(({ column }) => column),
  );
  for (const [index, { name, column }] of features.entries()) {
    const columns =
      kinds[index] === 'number' ? await numberColumn(db, name, column, profiles) : await categoryColumn(db, name, column, profiles);
    for (const split of splitNames) profiles[split].columns.push(columns[split]);
    heartbeat();
  }
  return profiles;
}

const empty = (): SplitProfile => ({ rows: 0, classes: {}, columns: [] });
const present = (column: string): string => `nullif(nullif(lower(trim(${column})), ''), 'nan')`;

/** A column is a number where every value there is reads as one. */
async function columnKinds(db: Database, columns: string[]): Promise<ColumnProfile['kind'][]> {
  const kinds: ColumnProfile['kind'][] = [];
  for (let from = 0; from < columns.length; from += 200) {
    const part = columns.slice(from, from + 200);
    const counts = await db.first(
      `SELECT ${part.map((c) => `count(${present(c)}), count(TRY_CAST(${present(c)} AS DOUBLE))`).join(', ')} FROM raw`,
    );
    for (let i = 0; i < part.length; i++)
      kinds.push(Number(counts[2 * i]) > 0 && counts[2 * i] === counts[2 * i + 1] ? 'number' : 'category');
  }
  return kinds;
}

async function numberColumn(
  db: Database,
  name: string,
  column: string,
  profiles: Record<SplitName, SplitProfile>,
): Promise<Record<SplitName, ColumnProfile>> {
  const finite = `(SELECT a.split, TRY_CAST(r.${column} AS DOUBLE) AS v FROM assigned a JOIN raw r ON r.rowid = a.row) WHERE isfinite(v)`;
  const counts = new Map<string, number>();
  for await (const [split, count] of db.rows(`SELECT split, count(*) FROM ${finite} GROUP BY split`))
    counts.set(String(split), Number(count));
  const running = {
    train: new Running(counts.get('train')),
    validation: new Running(counts.get('validation')),
    test: new Running(counts.get('test')),
  };
  for await (const [split, value] of db.rows(`SELECT split, v FROM ${finite} ORDER BY split, v`))
    running[split as SplitName].add(Number(value));
  const profile = (split: SplitName): ColumnProfile => running[split].profile(name, profiles[split].rows);
  return { train: profile('train'), validation: profile('validation'), test: profile('test') };
}

/** Statistics of values that come sorted. */
class Running {
  readonly #expected: number;
  #count = 0;
  #distinct = 0;
  #mean = 0;
  #squares = 0;
  #last: number | undefined;
  readonly #sample: number[] = [];

  constructor(expected = 0) {
    this.#expected = expected;
  }

  add(value: number): void {
    if (value !== this.#last) this.#distinct++;
    this.#last = value;
    // The k-th of the sample is the order statistic nearest to k/(size - 1) of the way.
    const next = this.#sample.length;
    const due = this.#expected <= sampleSize ? this.#count : Math.round((next * (this.#expected - 1)) / (sampleSize - 1));
    if (this.#count === due) this.#sample.push(value);
    this.#count++;
    const delta = value - this.#mean;
    this.#mean += delta / this.#count;
    this.#squares += delta * (value - this.#mean);
  }

  profile(name: string, rows: number): ColumnProfile {
    const base = { name, kind: 'number', count: this.#count, missing: rows - this.#count, distinct: this.#distinct } as const;
    const [min] = this.#sample;
    if (min === undefined || this.#last === undefined) return base;
    const deviation = this.#count > 1 ? { deviation: Math.sqrt(this.#squares / (this.#count - 1)) } : {};
    return { ...base, min, max: this.#last, mean: this.#mean, ...deviation, sample: this.#sample };
  }
}

async function categoryColumn(
  db: Database,
  name: string,
  column: string,
  profiles: Record<SplitName, SplitProfile>,
): Promise<Record<SplitName, ColumnProfile>> {
  const columns = Object.fromEntries(
    splitNames.map((split) => [
      split,
      { name, kind: 'category', count: 0, missing: profiles[split].rows, distinct: 0, counts: {}, otherCount: 0 },
    ]),
  ) as Record<SplitName, ColumnProfile & { counts: Record<string, number>; otherCount: number }>;
  for await (const [split, value, count] of db.rows(
    `SELECT a.split, r.${column}, count(*) AS n FROM assigned a JOIN raw r ON r.rowid = a.row WHERE ${present(`r.${column}`)} IS NOT NULL GROUP BY ALL ORDER BY n DESC, 2`,
  )) {
    const profile = columns[split as SplitName];
    profile.count += Number(count);
    profile.missing -= Number(count);
    profile.distinct++;
    if (profile.distinct <= keptCategories) profile.counts[String(value)] = Number(count);
    else profile.otherCount += Number(count);
  }
  return columns;
}
