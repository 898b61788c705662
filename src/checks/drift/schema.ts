import type { ColumnProfile, DriftFinding } from '../../contract';
import type { Between, Side } from './side';

const kinds: Record<ColumnProfile['kind'], string> = { number: 'numbers', category: 'text', time: 'times' };

/** Columns added, removed, and of another kind: always an alarm. A column without any value has no kind. */
export function schemaChanges(reference: Side, current: Side, between: Between): DriftFinding[] {
  const before = new Map(reference.columns.map((column) => [column.name, column]));
  const now = new Map(current.columns.map((column) => [column.name, column]));
  const found: DriftFinding[] = [];
  for (const [name, column] of before) {
    const other = now.get(name);
    if (other === undefined) found.push(change(name, `The column "${name}" of ${between.reference} is gone in ${between.current}.`));
    else if (other.kind !== column.kind && column.count > 0 && other.count > 0)
      found.push(
        change(
          name,
          `The column "${name}" holds ${kinds[other.kind]} in ${between.current}, ${kinds[column.kind]} in ${between.reference}.`,
        ),
      );
  }
  for (const name of now.keys())
    if (!before.has(name))
      found.push(change(name, `The column "${name}" is new in ${between.current}: ${between.reference} does not have it.`));
  return found;
}

const change = (column: string, detail: string): DriftFinding => ({
  column,
  what: 'schema',
  test: 'none',
  statistic: null,
  pValue: null,
  adjustedPValue: null,
  effect: { name: 'difference-of-shares', value: 1, bound: 0 },
  sizes: {},
  alarm: true,
  detail,
  where: null,
  since: null,
  mend: `Bring "${column}" back as it was, or take a new reference and train again.`,
  picture: null,
});
