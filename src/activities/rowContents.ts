import { isUtf8 } from 'node:buffer';
import type { TestColumn } from '../analysis';
import type { Manifest, RowContent, Snapshot } from '../contract';
import type { SplitRow } from '../data';
import { log } from '../observability';
import type { Store } from '../store';
import { drawn, pixelsOf, pictureOf } from './pictures';
import { readColumns, type TestColumnsDeps } from './testColumns';

const mostColumns = 256;
/** So that the pixels of a picture of 64 x 64 are read whole. */
const mostPixels = 4096;
const mostCharacters = 2000;
const mostOfCell = 500;
const mostBytes = 32 * 2 ** 20;

/** What was read of the test rows already, and the names of all their columns. */
export interface KnownColumns {
  columns: TestColumn[] | null;
  names: readonly string[];
}

/** The content of a few test rows, by their places in the split: only of these, and null where it cannot be read or shown. */
export async function rowContents(
  deps: TestColumnsDeps,
  snapshot: Snapshot,
  test: readonly SplitRow[],
  known: KnownColumns,
  places: readonly number[],
): Promise<Map<number, RowContent | null>> {
  const at = [...new Set(places)].sort((a, b) => a - b);
  try {
    const contents = snapshot.kind === 'folder' ? ofFiles(deps.store, snapshot, test, at) : ofTable(deps, snapshot, test, known, at);
    return new Map((await contents).map((content, i) => [at[i] ?? -1, content]));
  } catch (error) {
    // The comparison stands without it.
    log.warn('the content of the rows that differ cannot be read', { error: error instanceof Error ? error.message : String(error) });
    return new Map();
  }
}

async function ofTable(
  deps: TestColumnsDeps,
  snapshot: Snapshot,
  test: readonly SplitRow[],
  { columns, names }: KnownColumns,
  at: readonly number[],
): Promise<(RowContent | null)[]> {
  if (at.length === 0 || names.length === 0) return [];
  const wanted = names.slice(0, names.length > mostPixels ? mostColumns : undefined);
  const whole = columns !== null && columns.length >= wanted.length;
  const rows = at.flatMap((place) => test[place] ?? []);
  const read = whole ? columns.map((column) => picked(column, at)) : await readColumns(deps, snapshot, wanted, rows);
  if (read === null) return [];
  const pixels = names.length > mostPixels ? null : pixelsOf(read);
  if (pixels !== null) return await Promise.all(at.map((_, row) => drawn(pixels, row)));
  const [only, another] = read;
  if (only?.kind === 'category' && another === undefined) return only.values.map(textOf);
  const shown = read.slice(0, mostColumns);
  return at.map((_, row) => ({
    kind: 'columns',
    values: shown.map((column) => [column.name, cellOf(column, row)]),
    columns: names.length,
  }));
}

const picked = (column: TestColumn, at: readonly number[]): TestColumn =>
  column.kind === 'number'
    ? { ...column, values: Float64Array.from(at, (place) => column.values[place] ?? Number.NaN) }
    : { ...column, values: at.map((place) => column.values[place] ?? '') };

function cellOf(column: TestColumn, row: number): string | number | null {
  if (column.kind === 'category') {
    const text = column.values[row] ?? '';
    return text === '' ? null : cut(text, mostOfCell).text;
  }
  const value = column.values[row];
  if (value === undefined || !Number.isFinite(value)) return null;
  return column.time === true ? isoTime(value) : value;
}

/** Milliseconds since 1970, which a column may hold beyond what a date can be. */
const isoTime = (value: number): string | number => (Math.abs(value) <= 8.64e15 ? new Date(value).toISOString() : value);

const textOf = (text: string): RowContent => ({ kind: 'text', ...cut(text, mostCharacters) });

/** By characters, so that none is cut in two. */
function cut(text: string, most: number): { text: string; cut: boolean } {
  if (text.length <= most) return { text, cut: false };
  const characters = [...text.slice(0, 2 * most)];
  const kept = characters.slice(0, most).join('');
  return { text: kept, cut: kept.length < text.length };
}

/** One file after the other: each may be large. */
async function ofFiles(store: Store, { data }: Snapshot, test: readonly SplitRow[], at: readonly number[]): Promise<(RowContent | null)[]> {
  if (at.length === 0) return [];
  const files = new Map((await store.getJson<Manifest>(data)).files.map((file) => [file.path, file]));
  const contents: (RowContent | null)[] = [];
  for (const place of at) {
    const file = files.get(test[place]?.path ?? '');
    const bytes = file === undefined || file.size > mostBytes ? null : await store.get(file).catch(() => null);
    contents.push(bytes === null ? null : isText(bytes) ? textOf(headOf(bytes)) : await pictureOf(bytes));
  }
  return contents;
}

const isText = (bytes: Buffer): boolean => !bytes.includes(0) && isUtf8(bytes);

/** More than is shown, so that it is known to be cut; a character is at most four bytes. */
const headOf = (bytes: Buffer): string => bytes.toString('utf8', 0, 4 * mostCharacters + 8).replace(/^\uFEFF/, '');
