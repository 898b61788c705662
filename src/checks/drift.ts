import type { Check, SplitProfile } from '../contract';
import { chiSquareContingency } from '../stats';
import { compareColumns, summarise } from './covariates';

/** Smaller distances are left alone, since with much data everything differs significantly. */
const minEffect = 0.05;

/** Finding: whether the data look like those of the experiment before, column by column and in their classes. */
export function driftCheck(previous: SplitProfile, current: SplitProfile, { alpha }: { alpha: number } = { alpha: 0.01 }): Check {
  const columns = summarise('drift', 'the previous snapshot and this one', compareColumns(previous, current), { alpha, minEffect });
  const extra = [...columnChanges(previous, current), ...classChanges(previous, current, alpha)];
  if (extra.length === 0) return columns;
  return { ...columns, status: 'warn', detail: [columns.detail, ...extra].join(' ') };
}

function columnChanges(previous: SplitProfile, current: SplitProfile): string[] {
  const before = new Map(previous.columns.map(({ name, kind }) => [name, kind]));
  const now = new Map(current.columns.map(({ name, kind }) => [name, kind]));
  const added = [...now.keys()].filter((name) => !before.has(name));
  const removed = [...before.keys()].filter((name) => !now.has(name));
  const changed = [...now].filter(([name, kind]) => before.has(name) && before.get(name) !== kind).map(([name]) => name);
  return [
    ...(added.length > 0 ? [`New columns: ${listed(added)}.`] : []),
    ...(removed.length > 0 ? [`Columns gone: ${listed(removed)}.`] : []),
    ...(changed.length > 0 ? [`Columns of another kind than before: ${listed(changed)}.`] : []),
  ];
}

function classChanges(previous: SplitProfile, current: SplitProfile, alpha: number): string[] {
  const classes = [...new Set([...Object.keys(previous.classes), ...Object.keys(current.classes)])].sort();
  if (classes.length < 2 || previous.rows === 0 || current.rows === 0) return [];
  const counts = [previous, current].map((profile) => classes.map((label) => profile.classes[label] ?? 0));
  const { pValue, cramersV } = chiSquareContingency(counts, { correction: false });
  return pValue < alpha && cramersV >= minEffect
    ? [`The classes are no longer as common as before (Cramér's V ${cramersV.toFixed(3)}).`]
    : [];
}

const listed = (names: string[]): string => `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
