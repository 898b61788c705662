import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import type { TestColumn } from '../../analysis';
import { AssayError } from '../../contract';
import { readRows, readSlices, type Slice } from '../../data';
import { orderIn, type TestRows } from './pairRows';
import { readArray, textsOf } from '../predictions/arrays';
import { requireFile, tableFormat } from '../predictions/files';
import { labelColumns, predictionColumns, readTableColumn, tableColumns, type TableOptions } from '../predictions/table';

/** One value a row from a table or a vector of NumPy; ids where the table has them. */
export async function readValues(
  path: string,
  wanted: readonly string[],
  options: TableOptions,
): Promise<{ place: string; ids: string[] | null; rows: number; values: string[] }> {
  const what = `a .csv, .parquet or .jsonl with the columns id and ${wanted[0]}, or a .npy`;
  requireFile(path, what);
  if (extname(path).toLowerCase() === '.npy') {
    const values = textsOf(readArray(path));
    return { place: path, ids: null, rows: values.length, values };
  }
  const { ids, values } = await readTableColumn(path, tableFormat(path, what), wanted, options);
  return { place: path, ids, rows: values.length, values };
}

/** The ids of `--ids`: the column of that name, or the only one. */
export async function readIds(path: string, options: TableOptions): Promise<{ ids: string[]; place: string }> {
  const { ids, values } = await readValues(path, ['id'], options);
  return { ids: ids ?? values, place: path };
}

/** What is sampled independently, by number: from a file, or from a column of the features or of the control's table. */
export async function readUnits(unit: string, tables: readonly string[], rows: TestRows, options: TableOptions): Promise<Int32Array> {
  const file = existsSync(unit) && extname(unit) !== '' ? unit : await tableWith(unit, tables, options);
  const read = await readValues(file, [file === unit ? 'unit' : unit], options);
  const order = orderIn(read, rows, { more: true });
  const codes = new Map<string, number>();
  return Int32Array.from(rows.ids, (_, i) => {
    const value = read.values[order === null ? i : (order[i] as number)] as string;
    const code = codes.get(value) ?? codes.size;
    codes.set(value, code);
    return code;
  });
}

async function tableWith(column: string, tables: readonly string[], { workDir }: TableOptions): Promise<string> {
  const seen: string[] = [];
  for (const table of tables) {
    const columns = await tableColumns(table, tableFormat(table, 'a table'), workDir);
    if (columns.includes(column)) return table;
    seen.push(`${table} has ${columns.slice(0, 8).join(', ')}`);
  }
  const found = seen.length === 0 ? 'and there is no table with columns among the inputs' : `and no such column: ${seen.join('; ')}`;
  throw new AssayError('DataInvalid', `--unit ${column}: no such file, ${found}; give a table with the columns id and unit, or a column`);
}

/** Columns of the test rows that differences are searched in, and the rows of each named slice. */
export async function readFeatures(
  path: string,
  slices: readonly Slice[],
  rows: TestRows,
  { workDir, id, leave = [] }: TableOptions,
): Promise<{ columns: TestColumn[]; slices: { name: string; rows: Uint8Array }[] }> {
  const what = 'a .csv, .parquet or .jsonl with the column id and one column a feature';
  requireFile(path, what);
  const format = tableFormat(path, what);
  const titles = await tableColumns(path, format, workDir);
  const idColumn = id ?? (titles.includes('id') ? 'id' : undefined);
  const table = { path, format, name: path, workDir, id: idColumn };
  const features = titles.filter((name) => name !== idColumn && !leave.includes(name) && !predictive(name));
  if (features.length === 0) throw new AssayError('DataInvalid', `${path}: has no columns beside ids, labels and scores; expected ${what}`);
  const read = await readRows({ ...table, columns: features });
  const order = orderIn({ place: path, ids: idColumn === undefined ? null : read.ids, rows: read.ids.length }, rows, { more: true });
  const masks = slices.length === 0 ? [] : (await readSlices({ ...table, slices, place: '--slice' })).slices;
  const at = (row: number): number => (order === null ? row : (order[row] as number));
  const columns = read.columns.map(
    (column): TestColumn =>
      column.kind === 'number'
        ? { ...column, values: Float64Array.from(rows.ids, (_, row) => column.values[at(row)] as number) }
        : { ...column, values: rows.ids.map((_, row) => column.values[at(row)] as string) },
  );
  return {
    columns,
    slices: masks.map(({ name, rows: mask }) => ({ name, rows: Uint8Array.from(rows.ids, (_, row) => mask[at(row)] as number) })),
  };
}

/** Not what a row is, but what a model or a person said of it. */
const predictive = (name: string): boolean => labelColumns.includes(name) || predictionColumns.includes(name) || name.startsWith('score_');
