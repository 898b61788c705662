import { some } from '../../analysis';
import { AssayError } from '../../contract';
import { counted } from './words';

/** The rows that everything is paired with. */
export interface TestRows {
  ids: string[];
  /** The file that they are of, for messages. */
  place: string;
  /** No input names its rows: they are paired by their order, and numbered from 0. */
  byOrder: boolean;
  /** Ids from `--ids`, for files that have none. */
  given: { ids: string[]; place: string } | null;
}

/** Rows of a file, in its order. */
interface Rows {
  place: string;
  ids: string[] | null;
  rows: number;
  /** Where a row stands, from 0, for messages. */
  at?: (row: number) => string;
}

/** Rows of the control; those of the others are held against them. */
export function testRows(inputs: readonly Rows[], given: { ids: string[]; place: string } | null): TestRows {
  const [first] = inputs;
  if (first === undefined) throw new RangeError('expected an input, got none');
  const named = inputs.find(({ ids }) => ids !== null);
  const nameless = inputs.find(({ ids }) => ids === null);
  if (given === null && named !== undefined && nameless !== undefined)
    throw new AssayError(
      'PredictionsInvalid',
      `${nameless.place}: has no ids, and ${named.place} has; rows are paired by id: add a column "id" or an array ids, or give --ids`,
    );
  const ids = first.ids ?? (given === null ? null : idsFor(first, given));
  if (ids !== null) {
    if (new Set(ids).size < ids.length) refuseRepeated(first.ids === null && given !== null ? given : first, ids);
    return { ids, place: first.place, byOrder: false, given };
  }
  return { ids: Array.from({ length: first.rows }, (_, row) => String(row)), place: first.place, byOrder: true, given };
}

/** For each test row the row of a file; null where they are in the same order. Further rows are refused unless `more` are allowed. */
export function orderIn(file: Rows, rows: TestRows, { more = false }: { more?: boolean } = {}): Int32Array | null {
  const { ids: wanted, place } = rows;
  if (rows.byOrder) {
    if (file.ids !== null)
      throw new AssayError(
        'DataInvalid',
        `${file.place}: has ids, and ${place} has none to pair them with; give those of its rows with --ids`,
      );
    if (file.rows === wanted.length) return null;
    throw new AssayError(
      'PredictionsInvalid',
      `${file.place}: ${file.rows} rows, but ${place} has ${wanted.length}; without ids rows are paired by order, so that each needs as many (the first line of a .csv is its header)`,
    );
  }
  const ids = file.ids ?? (rows.given === null ? null : idsFor(file, rows.given));
  if (ids === null) throw new AssayError('DataInvalid', `${file.place}: has no ids, and ${place} has; add a column "id"`);
  if (ids.length === wanted.length && ids.every((id, row) => id === wanted[row])) return null;
  const rowOf = new Map<string, number>();
  for (const [row, id] of ids.entries()) rowOf.set(id, row);
  if (rowOf.size < ids.length) refuseRepeated(file, ids);
  const missing = wanted.filter((id) => !rowOf.has(id));
  if (missing.length > 0)
    throw new AssayError('PredictionsInvalid', `${file.place}: ${counted(missing.length, 'id')} of ${place} missing: ${some(missing)}`);
  if (!more && ids.length > wanted.length) {
    const known = new Set(wanted);
    const unknown = ids.filter((id) => !known.has(id));
    throw new AssayError('PredictionsInvalid', `${file.place}: ${counted(unknown.length, 'id')} not in ${place}: ${some(unknown)}`);
  }
  return Int32Array.from(wanted, (id) => rowOf.get(id) as number);
}

function idsFor({ place, rows }: { place: string; rows: number }, given: { ids: string[]; place: string }): string[] {
  if (given.ids.length === rows) return given.ids;
  throw new AssayError(
    'PredictionsInvalid',
    `${place}: ${rows} rows, but ${given.place} has ${given.ids.length} ids; expected one for each row`,
  );
}

function refuseRepeated({ place, at = (row) => `row ${row + 1}` }: Pick<Rows, 'place' | 'at'>, ids: readonly string[]): never {
  const seen = new Set<string>();
  const repeated = ids.flatMap((id, row) => (seen.size === seen.add(id).size ? [`${id} (${at(row)})`] : []));
  throw new AssayError(
    'PredictionsInvalid',
    `${place}: ${counted(repeated.length, 'id')} given twice: ${some(repeated)}; give every row an id of its own`,
  );
}
