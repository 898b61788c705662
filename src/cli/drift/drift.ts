import { mkdir, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  classifierDrift,
  columnsToLocate,
  detectStream,
  driftReport,
  locate,
  mmdDrift,
  type NamedSide,
  reweight,
  servingConsistency,
  sideOfTable,
} from '../../checks';
import { AssayError, type DriftFinding, type DriftReport, type StreamFinding, type TableProfile } from '../../contract';
import { findSnapshot, openSource, profileFile, profilePredictions, readRows, tableOf } from '../../data';
import { formatters } from '../../report';
import { trainerPython } from '../../stack';
import { pc } from '../colours';
import { readPredictions } from '../predictions/files';
import { sessionStore } from '../home';
import { withTemporaryFolder } from '../temporaryFolder';

const { formatCount, formatNumber, formatPercent, formatPValue } = formatters;

interface Output {
  json?: boolean;
  failOnDrift?: boolean;
}

export interface DriftOptions extends Output {
  label?: string;
  ignore: string[];
  unit?: string;
  time?: string;
  alpha: number;
  minEffect: number;
  multivariate: 'classifier' | 'mmd' | 'none';
}

/** Rows of a side that all columns are tested together on. */
const sampled = 10_000;
/** Rows that are looked at to say where and since when. */
const looked = 200_000;

/** Compares two data sets column by column, or the predictions on two. Returns the exit code. */
export async function compareData(reference: string, current: string, options: DriftOptions): Promise<number> {
  return await withTemporaryFolder('assay-drift-', async (folder) => {
    const [a, b] = [await sideOf(reference, options, join(folder, 'a')), await sideOf(current, options, join(folder, 'b'))];
    if (a.predictions !== b.predictions)
      throw new AssayError(
        'DataInvalid',
        `${reference} and ${current} cannot be compared: one holds predictions, the other data. Give two of a kind.`,
      );
    refuseFlags(a, b, options);
    const report = driftReport({
      reference: a.side,
      current: b.side,
      alpha: options.alpha,
      minEffect: options.minEffect,
      predictions: a.predictions,
      multivariate: await together(a, b, options, folder),
    });
    if (report.findings.length === 0)
      throw new AssayError('DataInvalid', `${report.sentence} Compare the same columns, or leave out --ignore.`);
    const told = await placed(report, a, b, options.time, folder);
    if (options.json) process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
    else process.stdout.write(driftText(told));
    return options.failOnDrift && told.alarms > 0 ? 4 : 0;
  });
}

/** Since when a column moves. Returns the exit code. */
export async function streamFile(
  file: string,
  options: Output & { column: string; time?: string; reference?: number; runLength: number; detector: StreamFinding['detector'] },
): Promise<number> {
  return await withTemporaryFolder('assay-drift-', async (folder) => {
    const table = await localTable(file, folder);
    const { columns, times } = await readRows({ ...table, workDir: folder, columns: [options.column], order: options.time });
    const [column] = columns;
    if (column?.kind !== 'number')
      throw new AssayError('DataInvalid', `${file}, column "${options.column}": expected numbers in every row.`);
    if (options.reference !== undefined && options.reference >= column.values.length)
      throw new AssayError(
        'DataInvalid',
        `--reference ${options.reference}: ${file} has ${column.values.length} rows, so that none are left to watch. Name fewer.`,
      );
    const finding = detectStream({
      column: options.column,
      values: options.reference === undefined ? column.values : column.values.subarray(options.reference),
      ...(times === null ? {} : { times: options.reference === undefined ? times : times.slice(options.reference) }),
      ...(options.reference === undefined ? {} : { reference: column.values.subarray(0, options.reference) }),
      detector: options.detector,
      wantedRunLength: options.runLength,
    });
    process.stdout.write(options.json ? `${JSON.stringify(finding, null, 2)}\n` : `${finding.detail}\n`);
    return options.failOnDrift && finding.detectedAt !== null ? 4 : 0;
  });
}

/** Weights of the source's rows, as a table. */
export async function writeWeights(
  source: string,
  target: string,
  options: Output & { output: string; columns?: string[]; method: 'bins' | 'density-ratio' },
): Promise<void> {
  await withTemporaryFolder('assay-drift-', async (folder) => {
    const read = async (which: string, at: string) =>
      readRows({ ...(await localTable(which, join(folder, at))), workDir: folder, columns: options.columns });
    const [a, b] = [await read(source, 'a'), await read(target, 'b')];
    const { weights, ...told } = reweight(
      { source: a, target: b },
      { method: options.method, ...(options.columns ? { columns: options.columns } : {}) },
    );
    const lines = Array.from(weights, (weight, i) => `${a.ids[i]},${weight}`);
    await writeFile(resolve(options.output), `row,weight\n${lines.join('\n')}\n`).catch((cause: Error) => {
      throw new AssayError(
        'DataInvalid',
        `--output ${options.output} cannot be written: ${cause.message}. Name a file in a folder that is there.`,
        { cause },
      );
    });
    if (options.json)
      process.stdout.write(`${JSON.stringify({ output: resolve(options.output), rows: weights.length, ...told }, null, 2)}\n`);
    else {
      const balance = told.balance.map(
        ({ column, before, after }) => `  ${column.padEnd(24)} ${formatNumber(before)} -> ${formatNumber(after)}\n`,
      );
      process.stdout.write(`${told.detail}\nStandardised differences, before -> after:\n${balance.join('')}${resolve(options.output)}\n`);
    }
  });
}

/** Predictions of a served model against offline ones. Returns the exit code. */
export async function serving(offline: string, served: string, options: Output & { tolerance: number }): Promise<number> {
  const one = async (path: string) => {
    const [run, second] = await readPredictions(path);
    if (run === undefined || second !== undefined)
      throw new AssayError(
        'DataInvalid',
        `${path}: expected the predictions of one run, got ${second ? 'several' : 'none'}; name the folder of one seed.`,
      );
    return run;
  };
  const [a, b] = [await one(offline), await one(served)];
  // Arrays name no classes: theirs are those of the table beside them, in its order.
  const side = ({ ids, scores, classes: width, classNames }: typeof a, other: string[] | null) => ({
    ...{ ids, scores },
    classes: classNames ?? (other?.length === width ? other : Array.from({ length: width }, (_, i) => String(i))),
  });
  const check = servingConsistency({ offline: side(a, b.classNames), served: side(b, a.classNames), tolerance: options.tolerance });
  if (options.json) process.stdout.write(`${JSON.stringify(check, null, 2)}\n`);
  else {
    const mark = check.status === 'pass' ? pc.green('pass') : check.status === 'warn' ? pc.yellow('warn') : pc.red('fail');
    process.stdout.write(`${mark} ${check.detail}\n${check.mend ? `     ${check.mend}\n` : ''}`);
  }
  return check.status === 'fail' ? 4 : 0;
}

/** A flag that has no effect would be taken for one that had. */
function refuseFlags(a: OpenSide, b: OpenSide, { label, unit, ignore }: DriftOptions): void {
  if (a.predictions && (label !== undefined || unit !== undefined || ignore.length > 0))
    throw new AssayError('SpecInvalid', 'Predictions have no columns to name: leave out --label, --unit and --ignore.');
  const stray = a.predictions ? undefined : ignore.find((name) => !a.columns.includes(name) && !b.columns.includes(name));
  if (stray !== undefined)
    throw new AssayError(
      'DataInvalid',
      `--ignore ${stray}: neither side has such a column; they have ${a.columns.slice(0, 8).join(', ')}.`,
    );
}

interface OpenSide {
  side: NamedSide;
  predictions: boolean;
  columns: string[];
  /** The rows, where they are at hand. */
  table: LocalTable | null;
}

type LocalTable = Awaited<ReturnType<typeof tableOf>>;

async function sideOf(which: string, options: DriftOptions, folder: string): Promise<OpenSide> {
  if (await holdsPredictions(which)) {
    const [run] = await readPredictions(which);
    if (run === undefined || run.ids.length === 0) throw new AssayError('DataInvalid', `${which} holds no predictions.`);
    const classes = run.classNames ?? Array.from({ length: run.classes }, (_, i) => String(i));
    const profile = profilePredictions({ classes, scores: run.scores });
    return { side: { name: which, digest: null, profile }, predictions: true, columns: [], table: null };
  }
  const { profile, digest, table } = await profileOf(which, options, folder);
  // Time moves on by itself.
  const leave = new Set([...options.ignore, ...(options.time === undefined ? [] : [options.time])]);
  const kept = { ...profile, columns: profile.columns.filter(({ name }) => !leave.has(name)) };
  const label = options.label ?? '';
  if (options.label !== undefined && !profile.columns.some(({ name }) => name === label))
    throw new AssayError(
      'DataInvalid',
      `${which} has no column "${label}" (--label); it has ${profile.columns
        .map(({ name }) => name)
        .slice(0, 8)
        .join(', ')}.`,
    );
  return {
    side: { name: which, digest, profile: sideOfTable(kept, { label, id: null, unit: options.unit ?? null }) },
    predictions: false,
    columns: profile.columns.map(({ name }) => name),
    table,
  };
}

async function profileOf(
  which: string,
  { unit, time, multivariate }: DriftOptions,
  folder: string,
): Promise<{ profile: TableProfile; digest: string | null; table: LocalTable | null }> {
  if (which.startsWith('snapshot:')) {
    const store = sessionStore();
    const { digest, record } = await findSnapshot(store, which);
    if (record.profile === null) throw new AssayError('DataInvalid', `${which} holds no table, so that there are no columns to compare.`);
    // The stored profile is enough, but for what looks at rows; its noise is not of the units that are named here.
    const table = time === undefined && multivariate === 'none' && unit === undefined ? null : await localTable(which, folder);
    if (unit === undefined || table === null) return { profile: await store.getJson<TableProfile>(record.profile), digest, table };
    return { profile: (await profileFile({ ...table, workDir: folder, unit })).profile, digest, table };
  }
  const table = await localTable(which, folder);
  const { profile } = await profileFile({ ...table, workDir: folder, unit });
  return { profile, digest: null, table };
}

async function localTable(source: string, folder: string): Promise<LocalTable> {
  const python = source.startsWith('builtin:') ? await trainerPython().catch(() => undefined) : undefined;
  await mkdir(folder, { recursive: true });
  const tree = await openSource({ source, root: process.cwd() }, { folder, python, store: sessionStore() });
  return await tableOf(tree, folder);
}

async function holdsPredictions(path: string): Promise<boolean> {
  const folder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return folder && [path, join(path, 'predictions')].some((dir) => existsSync(join(dir, 'scores.npy')));
}

/** All columns together, on a sample of the rows of both sides. */
async function together(a: OpenSide, b: OpenSide, options: DriftOptions, folder: string): Promise<DriftFinding[]> {
  const { multivariate, alpha, minEffect } = options;
  if (multivariate === 'none') return [];
  if (a.table === null || b.table === null)
    throw new AssayError('DataInvalid', '--multivariate looks at rows, and predictions have none to look at; leave it out.');
  const leave = [...options.ignore, ...[options.label, options.unit, options.time].filter((column) => column !== undefined)];
  const [reference, current] = [
    await readRows({ ...a.table, workDir: folder, sample: sampled, leave }),
    await readRows({ ...b.table, workDir: folder, sample: sampled, leave }),
  ];
  return [(multivariate === 'mmd' ? mmdDrift : classifierDrift)(reference, current, { alpha, minEffect })];
}

/** Rows of the current data that show each alarm, and since when where the rows have a time. */
async function placed(report: DriftReport, a: OpenSide, b: OpenSide, time: string | undefined, folder: string): Promise<DriftReport> {
  const columns = columnsToLocate(report.findings);
  if (time !== undefined && (a.table === null || b.table === null))
    throw new AssayError('DataInvalid', '--time looks at rows in their order, and predictions have none; leave it out.');
  if (columns.length === 0 || b.table === null) return report;
  const options = { workDir: folder, columns, sample: looked, order: time };
  const current = await readRows({ ...b.table, ...options });
  const reference = time === undefined || a.table === null ? undefined : await readRows({ ...a.table, ...options });
  return { ...report, ...locate(report.findings, { current, reference }) };
}

function driftText({ sentence, findings, reference, current, stream }: DriftReport): string {
  const alarms = findings.filter(({ alarm }) => alarm);
  const lines = [
    alarms.length > 0 ? pc.bold(sentence) : sentence,
    pc.dim(
      `${reference.name}: ${counted(reference.rows, 'row')}; ${current.name}: ${counted(current.rows, 'row')}; ${counted(findings.length, 'test')}`,
    ),
  ];
  for (const { column, detail, where, since: at, mend, effect, adjustedPValue, sizes } of alarms.slice(0, 20)) {
    const numbers = [
      `${effect.name} ${formatNumber(effect.value)} (bound ${formatNumber(effect.bound)})`,
      ...(adjustedPValue === null ? [] : [`adjusted p ${formatPValue(adjustedPValue)}`]),
      ...Object.entries(sizes).map(([name, value]) => `${name} ${formatNumber(value)}`),
    ];
    lines.push('', `${pc.yellow('!')} ${pc.bold(column)}  ${detail}`, `  ${pc.dim(numbers.join(', '))}`);
    if (where)
      lines.push(
        `  moved most: ${where.segment}, ${formatPercent(where.share.reference)} -> ${formatPercent(where.share.current)} of the rows${where.rows.length > 0 ? `; rows ${where.rows.join(', ')}` : ''}`,
      );
    if (at !== null) lines.push(`  since ${at}`);
    lines.push(`  ${mend}`);
  }
  if (alarms.length > 20) lines.push('', `and ${alarms.length - 20} more; --json has them all`);
  for (const { detail } of stream) lines.push('', detail);
  return `${lines.join('\n')}\n`;
}

const counted = (count: number, what: string): string => `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
