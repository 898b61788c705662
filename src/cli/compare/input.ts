import { extname } from 'node:path';
import { type AnalysisInput, type AnalysisVariant, some } from '../../analysis';
import { AssayError, type RegisteredPlan } from '../../contract';
import { type CompareArm, readArms } from './arms';
import { comparePlan } from './plan';
import { counted } from './words';
import { orderIn, type TestRows, testRows } from './pairRows';
import { canonical, type Coded, coded, type PredictionFile } from '../predictions/file';
import { labelColumns, type TableOptions } from '../predictions/table';
import { type ClassColumn, codesOf, testClasses } from './testClasses';
import { testScores } from './testScores';
import { readFeatures, readIds, readUnits, readValues } from './testTables';

export interface CompareOptions {
  /** Path, `name=path` or `name=path,path,...` (one a seed); the first is the control. */
  inputs: string[];
  /** File of true labels, for inputs without; default: those of the inputs. */
  labels?: string;
  /** Column that names the rows in every table; default `id` where there is one. */
  id?: string;
  /** File of the rows' ids, for inputs without; default: rows are then paired by order. */
  ids?: string;
  /** Names of the classes in the order of unnamed columns of scores. */
  classes?: string[];
  /** File with one unit a row, or a column of the features or of the control's table: units are then what is sampled. */
  unit?: string;
  /** Table with columns of the test rows, in which differences are searched. */
  features?: string;
  /** `name: condition` on columns of the features. */
  slices?: string[];
  /** The first is the primary; default accuracy, f1_macro, auc_ovr, log_loss; of predicted classes accuracy, f1_macro, recall_macro. */
  metrics?: string[];
  /** `metric:limit`: how much worse it may get, in its unit or as a share. */
  guardrails?: string[];
  /** Default auto: algorithm from 5 seeds on. */
  question?: 'auto' | RegisteredPlan['question'];
  /** Default 0.95. */
  confidence?: number;
  /** Default 20,000. */
  resamples?: number;
  /** Seed of the resampling; default that of every experiment. */
  seed?: number;
  /** Default superiority. */
  test?: RegisteredPlan['test'];
  /** Size in the metric's unit, or a share of the control's value such as "20%"; default 0. */
  margin?: number | string;
  /** Of several candidates; default holm. */
  correction?: RegisteredPlan['correction'];
  /** File of the looks at this question: each pays for its part of the error, and the interval is wider for it. */
  ledger?: string;
}

export interface CompareInput {
  input: AnalysisInput;
  arms: CompareArm[];
  notes: string[];
  byOrder: boolean;
  scored: boolean;
}

/** Everything `assay compare` is given, paired and checked. */
export async function compareInput(options: CompareOptions, workDir: string): Promise<CompareInput> {
  const table: TableOptions = { workDir, id: options.id, leave: options.unit === undefined ? [] : [options.unit] };
  const arms = await readArms(options.inputs, table);
  const files = arms.flatMap(({ runs }) => runs.map(({ file }) => file));
  const [reference] = files as [PredictionFile];
  const rows = testRows(files, options.ids === undefined ? null : await readIds(options.ids, table));
  const orders = new Map(files.map((file) => [file, orderIn(file, rows)]));
  const labelled = await labelColumn(options.labels, files, table);
  const own = files.filter(({ labels }) => labels !== null).map((file) => column(file, 'label', file.labels as Coded));
  const predicted = files.flatMap((file) => (file.predictions === null ? [] : [column(file, 'prediction', file.predictions)]));
  const { classes, notes } = testClasses(files, [labelled.column, ...own, ...predicted], options.classes);
  const labels = inOrder(codesWith(labelled.column, classes, notes), orderIn(labelled, rows, { more: true }), rows);
  if (rows.byOrder) notes.unshift('No input has ids: rows are paired by their order, which nothing but equal labels can confirm.');
  const single = arms.every(({ runs }) => runs.length === 1);
  const variants = arms.map(({ name, runs }, i): AnalysisVariant => {
    const scored = runs.map(({ seed, file }) => {
      const { scores, notes: told } = testScores(file, classes, { order: orders.get(file) ?? null, reference: reference.place });
      notes.push(...told);
      // What was read is not needed again: a million rows of many classes would be held twice.
      file.scores = null;
      return { seed: single ? 1 : seed, status: 'done' as const, scores, seconds: null, peakMemoryBytes: null };
    });
    return { name, control: i === 0, pretrained: !single && runs.length === 1, params: {}, runs: scored };
  });
  for (const file of files)
    if (file.labels !== null) agree(file, orders.get(file) ?? null, { classes, labels, rows, against: labelled.place });
  notes.push(...sameTwice(variants));
  const classesOnly = files.find((file) => file.classes === 0)?.place ?? null;
  if (classesOnly !== null)
    notes.push(`${classesOnly} holds predicted classes without scores: metrics of scores (AUC, log loss, calibration) cannot be had.`);
  const plan = comparePlan(options, variants, classesOnly);
  const columns = await columnsOf(options, plan, rows, table, reference);
  const input = { plan, classes, ids: rows.ids, labels, variants, latency: null, dataChecks: [], ...columns };
  const seeded = options.seed === undefined ? input : { ...input, seed: options.seed };
  return { input: seeded, arms, notes, byOrder: rows.byOrder, scored: classesOnly === null };
}

const column = ({ place, at }: PredictionFile, what: ClassColumn['what'], values: Coded): ClassColumn => ({
  place,
  what,
  column: values,
  at,
});

interface Labels {
  place: string;
  ids: string[] | null;
  rows: number;
  column: ClassColumn;
}

/** The true labels: of `--labels`, else of the first input that has them. */
async function labelColumn(path: string | undefined, files: readonly PredictionFile[], options: TableOptions): Promise<Labels> {
  if (path === undefined) {
    const file = files.find(({ labels }) => labels !== null);
    if (file !== undefined) return { ...file, column: column(file, 'label', file.labels as Coded) };
    throw new AssayError('DataInvalid', `${files[0]?.place}: has no labels; add them, or give a table of id and label with --labels`);
  }
  const { place, ids, rows, values } = await readValues(path, labelColumns, options);
  const at = (row: number): string => `row ${row + 1}`;
  return { place, ids, rows, column: { place, what: 'label', column: coded(values.map(canonical), rows), at } };
}

function codesWith(values: ClassColumn, classes: readonly string[], notes: string[]): Int32Array {
  const { codes, note } = codesOf(values, classes);
  if (note !== null) notes.push(note);
  return codes;
}

const inOrder = (codes: Int32Array, order: Int32Array | null, { ids }: TestRows): Int32Array =>
  order === null ? codes : Int32Array.from(ids, (_, row) => codes[order[row] as number] as number);

/** Labels that disagree mean other rows under the same ids, or another order of rows without. */
function agree(
  file: PredictionFile,
  order: Int32Array | null,
  { classes, labels, rows, against }: { classes: string[]; labels: Int32Array; rows: TestRows; against: string },
): void {
  const own = inOrder(codesOf(column(file, 'label', file.labels as Coded), classes).codes, order, rows);
  const apart = rows.ids.filter((_, row) => own[row] !== labels[row]);
  if (apart.length === 0) return;
  const what = rows.byOrder ? `rows (from 0)` : 'ids';
  throw new AssayError(
    'PredictionsInvalid',
    `${file.place}: labels of ${apart.length === 1 ? `1 ${what.replace('s', '')}` : `${apart.length} ${what}`} disagree with ${against}: ${some(apart)}`,
  );
}

/** The same predictions under two names: no error, but seldom meant. */
function sameTwice(variants: readonly AnalysisVariant[]): string[] {
  const [control, ...others] = variants;
  return others.flatMap(({ name, runs }) => {
    const same = runs.length === control?.runs.length && runs.every(({ scores }, i) => equal(scores, control.runs[i]?.scores ?? null));
    return same ? [`${name} predicts the same as ${control.name}, score by score: every difference is 0.`] : [];
  });
}

function equal(a: Float64Array | null, b: Float64Array | null): boolean {
  return a !== null && b !== null && a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Units, columns and slices of the test rows, as far as they are asked for. */
async function columnsOf(
  { unit, features }: CompareOptions,
  plan: RegisteredPlan,
  rows: TestRows,
  options: TableOptions,
  control: PredictionFile,
): Promise<Pick<AnalysisInput, 'units' | 'columns' | 'slices'>> {
  const isTable = /^\.(?:csv|parquet|jsonl|ndjson)$/i.test(extname(control.place));
  const tables = [...(features === undefined ? [] : [features]), ...(isTable ? [control.place] : [])];
  const units = unit === undefined ? null : await readUnits(unit, tables, rows, options);
  if (features === undefined && plan.slices.length > 0)
    throw new AssayError(
      'SpecInvalid',
      '--slice needs --features FILE with the columns of its condition; the file may be one of the inputs',
    );
  const known = features === undefined ? { columns: null, slices: [] } : await readFeatures(features, plan.slices, rows, options);
  if (units !== null && new Set(units).size < 2)
    throw new AssayError('DataInvalid', `--unit ${unit}: ${counted(rows.ids.length, 'row')} of one unit; expected two units or more`);
  return { units, ...known };
}
