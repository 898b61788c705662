import type { Leaks, ResolvedSpec } from '../contract';
import type { Database } from './database';
import { splitPairs } from './pairs';

/** Units with rows in both splits of a pair, and the first five. A split by `id` draws rows of units on purpose: none is told. */
export async function unitsAcross(db: Database, spec: ResolvedSpec): Promise<Leaks['unitsAcross']> {
  const { unit, split } = spec.data;
  if (unit === undefined || ('seed' in split && split.by === 'id')) return [];
  const found: Leaks['unitsAcross'] = [];
  await db.run('CREATE OR REPLACE TABLE homes AS SELECT DISTINCT e.unit, a.split FROM examples e JOIN assigned a ON a.row = e.row');
  for (const [first, second] of splitPairs) {
    const examples: string[] = [];
    let units = 0;
    for await (const [name, count] of db.rows(
      `SELECT f.unit, count(*) OVER () FROM homes f JOIN homes s ON s.unit = f.unit WHERE f.split = '${first}' AND s.split = '${second}' ORDER BY 1 LIMIT 5`,
    )) {
      examples.push(String(name));
      units = Number(count);
    }
    if (units > 0) found.push({ splits: [first, second], units, examples });
  }
  return found;
}
