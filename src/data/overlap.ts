import type { Overlap } from '../contract';
import type { Database } from './database';
import { splitPairs } from './pairs';

/** Rows of the second split whose features stand in the first too, with the first five pairs of ids. */
export async function findOverlap(db: Database): Promise<Overlap> {
  const pairs: Overlap['pairs'] = [];
  await db.run('CREATE TABLE placed AS SELECT e.id, e.content, a.split FROM examples e JOIN assigned a ON a.row = e.row');
  for (const [first, second] of splitPairs) {
    const examples: [string, string][] = [];
    let rows = 0;
    for await (const [a, b, count] of db.rows(
      `SELECT f.id, s.id, count(*) OVER () FROM placed s JOIN (SELECT content, min(id) AS id FROM placed WHERE split = '${first}' GROUP BY content) f
       ON f.content = s.content WHERE s.split = '${second}' ORDER BY s.id LIMIT 5`,
    )) {
      examples.push([String(a), String(b)]);
      rows = Number(count);
    }
    pairs.push({ splits: [first, second], rows, examples });
  }
  return { pairs };
}
