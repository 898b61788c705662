import type { Effect, Outcome, Stage } from '../contract';

/** An experiment as the list shows it. */
export interface ExperimentRow {
  id: string;
  name: string;
  owner: string | null;
  /** `running` where the stage is not known. */
  state: Stage | 'running';
  /** Null while it runs. */
  finishedAt: string | null;
  startedAt: string | null;
  outcome: Outcome | null;
  /** The verdict says that something got worse. */
  harm: boolean;
  variant: string | null;
  effect: Effect | null;
  series: string | null;
  /** Why it has failed. */
  message: string | null;
  /** Whether it left a report. */
  report: boolean;
}

/** States that the list filters by; `open` is whatever has not ended. */
export const stateFilters = ['open', 'approval', 'done', 'failed', 'cancelled'] as const;
export const verdictFilters = ['adopt', 'keep', 'equivalent', 'inconclusive', 'invalid', 'none'] as const;
export const sortKeys = ['started', 'name', 'state', 'verdict', 'series', 'owner', 'duration'] as const;
export type SortKey = (typeof sortKeys)[number];

/** What the address asks for; an empty text, and null, filter nothing. */
export interface ListQuery {
  text: string;
  state: (typeof stateFilters)[number] | null;
  verdict: (typeof verdictFilters)[number] | null;
  series: string;
  sort: SortKey;
  descending: boolean;
  /** From 1. */
  page: number;
}

export const rowsPerPage = 100;

const isOneOf = <T extends string>(known: readonly T[], value: string | undefined): value is T => known.includes(value as T);

/** Of the query string; what cannot be read is as if it were not there, so that an old bookmark still leads to the list. */
export function readListQuery(given: Record<string, string | undefined>): ListQuery {
  const sort = isOneOf(sortKeys, given['sort']) ? given['sort'] : 'started';
  const page = Number(given['page']);
  return {
    text: (given['text'] ?? '').slice(0, 200),
    state: isOneOf(stateFilters, given['state']) ? given['state'] : null,
    verdict: isOneOf(verdictFilters, given['verdict']) ? given['verdict'] : null,
    series: (given['series'] ?? '').slice(0, 200),
    sort,
    descending: isOneOf(['asc', 'desc'], given['order']) ? given['order'] === 'desc' : sort === 'started',
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
  };
}

/** The address of a list; what is the default is left out. */
export function listAddress(query: ListQuery): string {
  const { text, state, verdict, series, sort, descending, page } = query;
  const pairs: [string, string | null][] = [
    ['text', text],
    ['state', state],
    ['verdict', verdict],
    ['series', series],
    ['sort', sort === 'started' ? null : sort],
    ['order', descending === (sort === 'started') ? null : descending ? 'desc' : 'asc'],
    ['page', page === 1 ? null : String(page)],
  ];
  const search = new URLSearchParams(pairs.flatMap(([name, value]): [string, string][] => (value ? [[name, value]] : [])));
  return search.size === 0 ? '/' : `/?${search}`;
}

export interface Selection {
  /** Of one page. */
  rows: ExperimentRow[];
  /** That the filters leave. */
  total: number;
  pages: number;
  /** The page shown: the last one where more was asked for. */
  page: number;
}

/** Filters, sorts and cuts a page; `now` is what running ones have lasted until, ms. */
export function selectRows(all: readonly ExperimentRow[], query: ListQuery, now: number): Selection {
  const terms = query.text.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = all.filter(
    (row) =>
      (query.state === null || (query.state === 'open' ? row.finishedAt === null : row.state === query.state)) &&
      (query.verdict === null || (row.outcome ?? 'none') === query.verdict) &&
      (query.series === '' || row.series === query.series) &&
      (terms.length === 0 || holds(row, terms)),
  );
  const sorted = inOrder(kept, query, now);
  const pages = Math.max(1, Math.ceil(sorted.length / rowsPerPage));
  const page = Math.min(query.page, pages);
  return { rows: sorted.slice((page - 1) * rowsPerPage, page * rowsPerPage), total: sorted.length, pages, page };
}

/** Every word stands somewhere in what the row says of itself. */
function holds({ id, name, owner, series, variant, state, outcome, message }: ExperimentRow, terms: readonly string[]): boolean {
  const said = `${id} ${name} ${owner ?? ''} ${series ?? ''} ${variant ?? ''} ${state} ${outcome ?? ''} ${message ?? ''}`.toLowerCase();
  return terms.every((term) => said.includes(term));
}

/** What has no value goes last in either direction; equal ones stand newest first. */
function inOrder(rows: readonly ExperimentRow[], { sort, descending }: ListQuery, now: number): ExperimentRow[] {
  const keyed = rows.map((row) => ({ row, key: keyOf(row, sort, now), started: row.startedAt ?? '~' }));
  const way = descending ? -1 : 1;
  const compare = (a: string | number, b: string | number): number => (a < b ? -1 : a > b ? 1 : 0);
  keyed.sort((a, b) => {
    const byKey = a.key === null || b.key === null ? Number(a.key === null) - Number(b.key === null) : way * compare(a.key, b.key);
    return byKey || compare(b.started, a.started) || compare(a.row.id, b.row.id);
  });
  return keyed.map(({ row }) => row);
}

function keyOf(row: ExperimentRow, sort: SortKey, now: number): string | number | null {
  switch (sort) {
    case 'started':
      // One without a record has only just begun.
      return row.startedAt ?? '~';
    case 'name':
      return row.name.toLowerCase();
    case 'state':
      return row.state;
    case 'verdict':
      return row.outcome;
    case 'series':
      return row.series?.toLowerCase() ?? null;
    case 'owner':
      return row.owner?.toLowerCase() ?? null;
    default:
      return durationOf(row, now);
  }
}

/** Seconds that it took, or has taken so far; null where its start is not known. */
export function durationOf({ startedAt, finishedAt }: Pick<ExperimentRow, 'startedAt' | 'finishedAt'>, now: number): number | null {
  if (startedAt === null) return null;
  const end = finishedAt === null ? now : Date.parse(finishedAt);
  return Math.max(0, (end - Date.parse(startedAt)) / 1000);
}
