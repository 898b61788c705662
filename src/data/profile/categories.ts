import type { ColumnProfile } from '../../contract';

/** Values counted one by one; the rest are summed. */
export const keptCategories = 1000;

/** Profile of values; null and empty text are missing. */
export function profileCategories(name: string, values: Iterable<string | null>): ColumnProfile {
  const counts = new Map<string, number>();
  let missing = 0;
  for (const value of values) {
    if (value === null || value === '') missing++;
    else counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return profileCounts(name, counts, missing);
}

/** Profile from the count of each value. The order of the values changes nothing. */
export function profileCounts(name: string, counts: ReadonlyMap<string, number>, missing: number): ColumnProfile {
  const ranked = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const count = ranked.reduce((sum, [, each]) => sum + each, 0);
  const kept = ranked.slice(0, keptCategories);
  return {
    name,
    kind: 'category',
    count,
    missing,
    distinct: ranked.length,
    counts: Object.fromEntries(kept),
    otherCount: count - kept.reduce((sum, [, each]) => sum + each, 0),
  };
}
