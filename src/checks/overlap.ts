import type { Check, Overlap } from '../contract';

/** Gate. Rows shared with the test split fail it; shared by train and validation they are told. */
export function overlapCheck(overlap: Overlap | undefined): Check {
  const base = { name: 'overlap', gate: true, pValue: null } as const;
  if (overlap === undefined)
    return {
      ...base,
      status: 'fail',
      statistic: null,
      detail: 'The snapshot does not say which rows its splits share.',
      mend: 'Take the snapshot again.',
    };
  const shared = overlap.pairs.filter(({ rows }) => rows > 0);
  const leaked = shared.filter(({ splits }) => splits.includes('test'));
  const rows = leaked.reduce((sum, pair) => sum + pair.rows, 0);
  if (shared.length === 0) return { ...base, status: 'pass', statistic: 0, detail: 'No two splits share a row, compared by content.' };
  const parts = shared.map(
    ({ splits: [a, b], rows: count, examples }) =>
      `${count} ${count === 1 ? 'row' : 'rows'} of ${b} ${count === 1 ? 'has' : 'have'} the features of a row of ${a} (${examples.map(([x, y]) => `${x} = ${y}`).join(', ')}${count > examples.length ? ', ...' : ''})`,
  );
  return {
    ...base,
    status: leaked.length > 0 ? 'fail' : 'warn',
    statistic: rows,
    detail: `${parts.join('; ')}.`,
    mend: 'Remove the copies, or give them one data.unit so that they share a split.',
  };
}
