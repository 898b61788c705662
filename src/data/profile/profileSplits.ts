import type { SplitName, SplitProfile } from '../../contract';
import { splitNames } from '../../contract';
import type { Database } from '../database';
import type { Examples } from '../examples';
import { sampleUnits } from './noise';
import { outside, profileParts } from './profileParts';

/** Profiles of all splits, from the tables `raw`, `examples` and `assigned`. Units that the data name give each column its noise. */
export async function profileSplits(db: Database, { features }: Examples, heartbeat: () => void): Promise<Record<SplitName, SplitProfile>> {
  const rows = Number((await db.first('SELECT count(*) FROM raw'))[0]);
  const of = new Uint8Array(rows).fill(outside);
  const counts = splitNames.map(() => 0);
  const units: [number, string][][] = splitNames.map(() => []);
  const named = Number((await db.first('SELECT count(unit) FROM examples'))[0]) > 0;
  for await (const [row, split, unit] of db.rows(
    `SELECT CAST(a.row AS INTEGER), a.split, ${named ? 'CAST(e.unit AS VARCHAR)' : 'NULL'} FROM assigned a ${named ? 'JOIN examples e ON e.row = a.row' : ''}`,
  )) {
    const part = splitNames.indexOf(split as SplitName);
    of[Number(row)] = part;
    counts[part]!++;
    if (unit !== null && unit !== undefined) units[part]!.push([Number(row), String(unit)]);
  }
  const columns = await profileParts(
    db,
    { from: 'raw', row: 'rowid', rows, columns: features },
    {
      rows: counts,
      of,
      from: `(SELECT list_position(['${splitNames.join("', '")}'], a.split) - 1 AS part, r.* FROM raw r JOIN assigned a ON a.row = r.rowid)`,
      units: units.map((each) => (each.length === 0 ? null : sampleUnits(each))),
    },
    heartbeat,
  );
  const classes: Record<string, number>[] = splitNames.map(() => ({}));
  for await (const [split, label, count] of db.rows(
    'SELECT a.split, CAST(e.label AS VARCHAR) AS label, count(*) FROM assigned a JOIN examples e ON e.row = a.row GROUP BY ALL ORDER BY ALL',
  ))
    Object.defineProperty(classes[splitNames.indexOf(split as SplitName)]!, String(label), {
      value: Number(count),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  const profile = (part: number): SplitProfile => ({ rows: counts[part]!, classes: classes[part]!, columns: columns[part]! });
  return { train: profile(0), validation: profile(1), test: profile(2) };
}
