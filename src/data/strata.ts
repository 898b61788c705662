import type { SplitName } from '../contract';
import type { Database } from './database';

/**
 * Fills `strata(key, split)`: within each class the units in order of their hash, cut at the exact shares (largest remainder), so that
 * neither the order of the rows nor another class changes anything. A unit with rows of several classes belongs to its commonest.
 */
export async function stratify(
  db: Database,
  key: 'unit' | 'root',
  { seed, test, validation }: { seed: number; test: number; validation: number },
): Promise<void> {
  await db.run(
    `CREATE TABLE ordered AS
     WITH counted AS (SELECT ${key} AS key, label, count(*) AS n FROM examples GROUP BY ALL),
       owned AS (SELECT key, label FROM counted QUALIFY row_number() OVER (PARTITION BY key ORDER BY n DESC, label) = 1)
     SELECT key, label, row_number() OVER (PARTITION BY label ORDER BY sha256('${seed}:' || key), key) AS place FROM owned`,
  );
  const quotas: (string | bigint)[][] = [];
  for await (const [label, count] of db.rows('SELECT label, count(*) FROM ordered GROUP BY label ORDER BY label')) {
    const taken = exactShares(Number(count), { train: 1 - test - validation, validation, test });
    quotas.push([String(label), BigInt(taken.test), BigInt(taken.test + taken.validation)]);
  }
  await db.run('CREATE TABLE quotas (label VARCHAR, test BIGINT, validation BIGINT)');
  await db.append('quotas', quotas);
  await db.run(
    `CREATE TABLE strata AS SELECT o.key, CASE WHEN o.place <= q.test THEN 'test' WHEN o.place <= q.validation THEN 'validation' ELSE 'train' END AS split
     FROM ordered o JOIN quotas q ON q.label = o.label`,
  );
}

type Shares = Record<SplitName, number>;

/** Whole numbers that sum to `count`: the floors of the shares, and one more for the largest remainders, the test split first. */
export function exactShares(count: number, shares: Shares): Shares {
  const exact = (['test', 'train', 'validation'] as const).map((split) => {
    // 0.2 * 35 and the like fall short of a whole number by their last bit.
    const wanted = Math.round(shares[split] * count * 1e9) / 1e9;
    return { split, whole: Math.floor(wanted), rest: wanted - Math.floor(wanted) };
  });
  let left = count - exact.reduce((sum, { whole }) => sum + whole, 0);
  const taken: Shares = { train: 0, validation: 0, test: 0 };
  for (const { split, whole } of [...exact].sort((a, b) => b.rest - a.rest)) taken[split] = whole + (left-- > 0 ? 1 : 0);
  return taken;
}
