import type { DriftFinding, StreamFinding } from '../../contract';
import type { Sample, SampleColumn } from '../samples';
import { detectStream } from '../stream';
import { shortNumber } from './side';

/** Columns that are followed, strongest first, and rows that are named of each. */
const followed = 10;
const shownRows = 5;
/** Fewer rows tell too little of what is usual. */
const leastRows = 100;

/** Rows of the current data with their ids, in the order of time where there is one; and of the reference in its order. */
export interface Located {
  current: Sample & { times?: readonly string[] | null };
  reference?: Sample | undefined;
}

/** The columns whose rows tell more of these findings: alarms with a picture. */
export const columnsToLocate = (findings: readonly DriftFinding[]): string[] =>
  [
    ...new Set(findings.filter(({ alarm, picture, what }) => alarm && picture !== null && located.has(what)).map(({ column }) => column)),
  ].slice(0, followed);

const located: ReadonlySet<DriftFinding['what']> = new Set(['distribution', 'new-category']);

/** The same findings with rows that show each, and since when; and what the streams of their columns said. */
export function locate(
  findings: readonly DriftFinding[],
  { current, reference }: Located,
): { findings: DriftFinding[]; stream: StreamFinding[] } {
  const wanted = new Set(columnsToLocate(findings));
  const columns = new Map(current.columns.map((column) => [column.name, column]));
  const stream = [...wanted].flatMap((name) => streamOf(name, columns.get(name), reference, current.times ?? null));
  const began = new Map(stream.map(({ column, began: window }) => [column, window?.fromTime ?? null]));
  return {
    stream,
    findings: findings.map((finding) => {
      const column = wanted.has(finding.column) ? columns.get(finding.column) : undefined;
      if (column === undefined || !finding.alarm) return finding;
      const rows = rowsOf(finding, column, current.ids ?? []);
      return {
        ...finding,
        since: began.get(finding.column) ?? finding.since,
        ...(finding.where === null || rows.length === 0 ? {} : { where: { ...finding.where, rows } }),
      };
    }),
  };
}

/** Ids of the first rows that lie where the current data have gained most. */
function rowsOf({ picture }: DriftFinding, column: SampleColumn, ids: readonly string[]): string[] {
  if (picture === null) return [];
  const gains = picture.current.map((share, i) => share - (picture.reference[i] ?? 0));
  const at = gains.indexOf(Math.max(...gains));
  const { edges, labels } = picture;
  const last = gains.length - 1;
  const holds = (value: number | string | undefined): boolean => {
    if (typeof value === 'string') return value === labels?.[at];
    if (value === undefined) return false;
    if (labels !== null) return labels[at] === shortNumber(value);
    // The outer bins are open.
    return (at === 0 || value >= (edges?.[at] ?? Infinity)) && (at === last || value < (edges?.[at + 1] ?? -Infinity));
  };
  const found: string[] = [];
  for (let row = 0; row < column.values.length && found.length < shownRows; row++)
    if (holds(column.values[row])) found.push(ids[row] ?? String(row));
  return found;
}

function streamOf(
  name: string,
  column: SampleColumn | undefined,
  reference: Sample | undefined,
  times: readonly string[] | null,
): StreamFinding[] {
  const usual = reference?.columns.find((each) => each.name === name);
  if (times === null || column?.kind !== 'number' || usual?.kind !== 'number') return [];
  if (Math.min(usual.values.length, column.values.length) < leastRows) return [];
  return [
    detectStream({
      column: name,
      reference: usual.values,
      values: column.values,
      times,
      detector: 'adwin',
      wantedRunLength: Math.max(10_000, 10 * column.values.length),
    }),
  ];
}
