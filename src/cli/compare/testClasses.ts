import { some } from '../../analysis';
import { AssayError } from '../../contract';
import { canonical, type Coded, type PredictionFile } from '../predictions/file';

/** Labels or predictions as they stand in a file. */
export interface ClassColumn {
  place: string;
  /** What its values are called. */
  what: 'label' | 'prediction';
  column: Coded;
  at: (row: number) => string;
}

/** The names of the classes in the order of the codes; `notes` say what was taken for granted. */
export function testClasses(
  files: readonly PredictionFile[],
  columns: readonly ClassColumn[],
  given: readonly string[] | undefined,
): { classes: string[]; notes: string[] } {
  if (given !== undefined) return { classes: checkedNames(given.map(canonical), '--classes'), notes: [] };
  const labels = distinct(columns.filter(({ what }) => what === 'label'));
  const named = files.find(({ classNames }) => classNames !== null);
  const binary = files.find(({ positive }) => positive !== null);
  if (named?.classNames || binary?.positive) {
    const names = named?.classNames ? checkedNames(named.classNames, named.place) : aroundPositive(binary as PredictionFile, labels);
    return inOneOrder(names, files, columns);
  }
  const scored = files.find(({ scores }) => scores !== null);
  if (scored === undefined) {
    const all = distinct(columns);
    if (all.length > 1) return { classes: all, notes: [] };
    throw new AssayError(
      'PredictionsInvalid',
      `every label and prediction is "${all[0] ?? ''}"; expected two classes or more, or their names with --classes`,
    );
  }
  const k = scored.classes;
  const indices = Array.from({ length: k }, (_, code) => String(code));
  if (labels.every((name) => indices.includes(name))) return { classes: indices, notes: [] };
  if (labels.length === k)
    return {
      classes: labels,
      notes: [`${scored.place}: its columns have no names; taken as the classes in sorted order: ${labels.join(', ')}.`],
    };
  throw new AssayError(
    'PredictionsInvalid',
    `${scored.place}: ${k} columns of scores without names, and ${labels.length} classes in the labels (${some(labels)}); name the classes in the order of the columns with --classes`,
  );
}

/**
 * Sorted, as scikit-learn has them: the order of a table's columns then changes no tie, and arrays without names are read as they were made.
 * Where labels are numbers and the names are not, they count the table's columns, which keep their order.
 */
function inOneOrder(
  names: string[],
  files: readonly PredictionFile[],
  columns: readonly ClassColumn[],
): { classes: string[]; notes: string[] } {
  const known = new Set(names);
  const byName = columns.every(({ column }) => column.names.every((name) => known.has(name)));
  const classes = byName ? sorted(names) : names;
  const bare = files.find(({ scores, classNames, positive }) => scores !== null && classNames === null && positive === null);
  if (bare === undefined || (byName && classes.every((name, code) => name === String(code)))) return { classes, notes: [] };
  const order = byName ? 'sorted order' : 'the order of the named columns';
  return { classes, notes: [`${bare.place}: its columns have no names; taken as the classes in ${order}: ${some(classes)}.`] };
}

/** Codes of a column: by name where every value is the name of a class, else where every value is a number, by index. */
export function codesOf({ place, what, column, at }: ClassColumn, classes: readonly string[]): { codes: Int32Array; note: string | null } {
  const code = new Map(classes.map((name, index) => [name, index]));
  const unknown = column.names.findIndex((name) => !code.has(name));
  if (unknown < 0) return { codes: mapped(column, (name) => code.get(name) as number), note: null };
  const refuse = (value: number): never => {
    const known = `${classes.slice(0, 10).join(', ')}${classes.length > 10 ? ', ...' : ''}`;
    const row = at(column.codes.indexOf(value));
    throw new AssayError('PredictionsInvalid', `${place}: ${what} "${column.names[value]}" (${row}) is none of the classes ${known}`);
  };
  const beyond = column.names.findIndex((name) => Number(name) >= classes.length);
  const numbered = classes.some((name) => /^-?\d+$/.test(name));
  if (!numbered && column.names.every((name) => /^\d+$/.test(name))) {
    if (beyond < 0)
      return {
        codes: mapped(column, Number),
        note: `${place}: its ${what}s are numbers, taken as places in the list of classes ${some(classes)}.`,
      };
    return refuse(beyond);
  }
  return refuse(unknown);
}

function mapped({ names, codes }: Coded, code: (name: string) => number): Int32Array {
  const of = names.map(code);
  return codes.map((value) => of[value] as number);
}

function aroundPositive({ place, positive }: PredictionFile, labels: readonly string[]): string[] {
  const others = labels.filter((name) => name !== positive);
  if (others.length <= 1) return [others[0] ?? `not ${positive}`, positive as string];
  throw new AssayError(
    'PredictionsInvalid',
    `${place}: one column of scores, of class ${positive}, and ${others.length} other classes in the labels (${some(others)}); expected one score column a class`,
  );
}

function checkedNames(names: readonly string[], place: string): string[] {
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) throw new AssayError('PredictionsInvalid', `${place}: class "${repeated}" is named twice`);
  if (names.length < 2 || names.includes(''))
    throw new AssayError('PredictionsInvalid', `${place}: expected the names of two classes or more, got "${names.join(',')}"`);
  return [...names];
}

const distinct = (columns: readonly ClassColumn[]): string[] => sorted([...new Set(columns.flatMap(({ column }) => column.names))]);

/** Numbers by size, texts by code point, as NumPy and scikit-learn sort them. */
function sorted(names: readonly string[]): string[] {
  const numeric = names.every((name) => name.trim() !== '' && Number.isFinite(Number(name)));
  return [...names].sort((a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : 1));
}
