import { basename, dirname, resolve } from 'node:path';
import { alignRun, analyse, seedsForAlgorithm, some, type Analysis, type AnalysisRun, type AnalysisVariant } from '../analysis';
import { AssayError, metricCatalogue, type MetricName, type RegisteredPlan } from '../contract';
import { compareText } from './compareText';
import { labelCodes, readColumn, readPredictions, type PredictionFile } from './predictionFiles';

export interface CompareOptions {
  /** The first is the control. */
  inputs: string[];
  /** Table with the columns id and label, for inputs without labels. */
  labels?: string;
  /** Table with the columns id and unit: units are then what is sampled. */
  unit?: string;
  /** The first is the primary; default accuracy, f1_macro, auc_ovr, log_loss. */
  metrics?: string[];
  /** Default 0.95. */
  confidence?: number;
  /** Default 20,000. */
  resamples?: number;
  /** Default superiority. */
  test?: RegisteredPlan['test'];
  /** Size in the metric's unit, or a share of the control's value such as "20%"; default 0. */
  margin?: number | string;
  json?: boolean;
}

export interface CompareResult extends Analysis {
  schema: 'assay.compare/1';
  plan: RegisteredPlan;
  rows: number;
}

/** `assay compare`: the analysis of an experiment on predictions that lie in files; no server. */
export async function runCompare(options: CompareOptions): Promise<{ result: CompareResult; text: string }> {
  if (options.inputs.length < 2) {
    throw new AssayError('DataInvalid', `expected two or more inputs, the control first, got ${options.inputs.length}`);
  }
  const read = await Promise.all(options.inputs.map(async (path) => ({ path, files: await readPredictions(path) })));
  const reference = read[0]?.files[0] as PredictionFile;
  const classes = reference.classNames ?? Array.from({ length: reference.classes }, (_, code) => String(code));
  const ids = reference.ids;
  const labels = await testLabels(reference, options.labels, classes);
  const names = distinctNames(options.inputs);
  const single = read.every(({ files }) => files.length === 1);
  const variants = read.map(({ files }, i): AnalysisVariant => {
    const runs = files.map((file) => alignedRun(file, reference, { ids, labels, classes }, single));
    return { name: names[i] as string, control: i === 0, pretrained: !single && files.length === 1, params: {}, runs };
  });
  const units = options.unit === undefined ? null : await readUnits(options.unit, ids);
  const plan = planOf(options, variants);
  const analysis = analyse({ plan, classes, ids, labels, units, variants, latency: null, dataChecks: [] });
  const result: CompareResult = { schema: 'assay.compare/1', plan, rows: ids.length, ...analysis };
  return { result, text: options.json === true ? JSON.stringify(result, null, 2) : compareText(result) };
}

/** Labels by row of the reference, from its own file or from `--labels`. */
async function testLabels(reference: PredictionFile, path: string | undefined, classes: string[]): Promise<Int32Array> {
  if (path === undefined) {
    if (reference.labels !== null) return checkedLabels(reference.place, reference.labels, classes.length);
    throw new AssayError('DataInvalid', `${reference.place}: has no labels; add them, or give a table of id and label with --labels`);
  }
  const known = await readColumn(path, 'label');
  const missing = reference.ids.filter((id) => !known.has(id));
  if (missing.length > 0) throw new AssayError('DataInvalid', `${path}: no label for ${missing.length} ids: ${some(missing)}`);
  return labelCodes(
    path,
    reference.ids.map((id) => known.get(id) as string),
    classes,
  );
}

function checkedLabels(place: string, labels: Int32Array, classes: number): Int32Array {
  const row = labels.findIndex((label) => label < 0 || label >= classes);
  if (row < 0) return labels;
  throw new AssayError(
    'PredictionsInvalid',
    `${place}: label ${labels[row]} in row ${row + 1}, expected 0 to ${classes - 1}, the columns of the scores`,
  );
}

function alignedRun(
  file: PredictionFile,
  reference: PredictionFile,
  test: { ids: string[]; labels: Int32Array; classes: string[] },
  single: boolean,
): AnalysisRun {
  const { scores, labels } = inOrderOf(file, reference);
  const aligned = alignRun({
    ids: test.ids,
    labels: test.labels,
    classes: test.classes.length,
    predIds: file.ids,
    predLabels: labels,
    predScores: scores,
    against: reference.place,
  });
  if (aligned.problem !== null) throw new AssayError('PredictionsInvalid', `${file.place}: ${aligned.problem}`);
  const seed = single ? 1 : (file.seed ?? 1);
  return { seed, status: 'done', scores: aligned.scores, seconds: null, peakMemoryBytes: null };
}

/** Scores and labels with the classes in the reference's order; by name where both have names. */
function inOrderOf(file: PredictionFile, reference: PredictionFile): { scores: Float64Array; labels: Int32Array | null } {
  const k = reference.classes;
  if (file.classes !== k) {
    throw new AssayError(
      'PredictionsInvalid',
      `${file.place}: ${file.classes} classes, but ${reference.place} has ${k}; expected the same classes`,
    );
  }
  if (file.classNames === null || reference.classNames === null) return { scores: file.scores, labels: file.labels };
  const from = reference.classNames.map((name) => (file.classNames as string[]).indexOf(name));
  const absent = reference.classNames.filter((_, code) => from[code] === -1);
  if (absent.length > 0)
    throw new AssayError('PredictionsInvalid', `${file.place}: no score column for ${some(absent)}, which ${reference.place} has`);
  const scores = file.scores.map((_, at) => file.scores[at - (at % k) + (from[at % k] as number)] as number);
  return { scores, labels: file.labels?.map((label) => from.indexOf(label)) ?? null };
}

async function readUnits(path: string, ids: string[]): Promise<Int32Array> {
  const known = await readColumn(path, 'unit');
  const missing = ids.filter((id) => !known.has(id));
  if (missing.length > 0) throw new AssayError('DataInvalid', `${path}: no unit for ${missing.length} ids: ${some(missing)}`);
  const codes = new Map<string, number>();
  return Int32Array.from(ids, (id) => {
    const unit = known.get(id) as string;
    const code = codes.get(unit) ?? codes.size;
    codes.set(unit, code);
    return code;
  });
}

/** The plan an experiment would have registered with these defaults: the algorithm question from 5 seeds on. */
function planOf(options: CompareOptions, variants: AnalysisVariant[]): RegisteredPlan {
  const metrics = options.metrics ?? ['accuracy', 'f1_macro', 'auc_ovr', 'log_loss'];
  for (const metric of metrics) {
    const known = Object.entries(metricCatalogue).filter(([, entry]) => entry.source === 'predictions');
    if (known.some(([name]) => name === metric)) continue;
    const measured = Object.hasOwn(metricCatalogue, metric);
    const why = measured ? `is measured by an experiment, as ${metricCatalogue[metric as MetricName].source} data` : 'is unknown';
    throw new AssayError('SpecInvalid', `metric "${metric}" ${why}; from predictions there are ${known.map(([name]) => name).join(', ')}`);
  }
  const primary = metrics[0] ?? 'accuracy';
  const test = options.test ?? 'superiority';
  const margin = parseMargin(options.margin ?? 0);
  if (test !== 'superiority' && margin.size === 0)
    throw new AssayError('SpecInvalid', `${test} needs a margin; give --margin, e.g. 0.01 or 5%`);
  const seeds = [...new Set(variants.flatMap((variant) => (variant.pretrained ? [] : variant.runs.map((run) => run.seed))))].sort(
    (a, b) => a - b,
  );
  const algorithm = variants.every((variant) => !variant.pretrained) && seeds.length >= seedsForAlgorithm;
  return {
    primary,
    question: algorithm ? 'algorithm' : 'artifact',
    test,
    margin: margin.size,
    marginRelative: margin.relative,
    confidence: inRange('confidence', options.confidence ?? 0.95, 0.5, 0.999999),
    resamples: inRange('resamples', options.resamples ?? 20_000, 1000, 1_000_000),
    correction: 'holm',
    metrics,
    guardrails: [],
    seeds,
    unit: options.unit === undefined ? null : 'unit',
    slices: [],
  };
}

function parseMargin(margin: number | string): { size: number; relative: boolean } {
  const text = String(margin).trim();
  const match = /^(\d+(?:\.\d+)?(?:e-?\d+)?)\s*(%?)$/i.exec(text);
  if (match === null) throw new AssayError('SpecInvalid', `margin "${text}": expected a number of 0 or more, or a share such as 5%`);
  return { size: Number(match[1]) / (match[2] === '%' ? 100 : 1), relative: match[2] === '%' };
}

function inRange(name: string, value: number, low: number, high: number): number {
  if (value >= low && value <= high) return value;
  throw new AssayError('SpecInvalid', `${name} ${value}: expected ${low} to ${high}`);
}

/** The last part of each path that tells them apart; `predictions` and `seed-*` tell nothing. */
function distinctNames(paths: string[]): string[] {
  const names = paths.map((path) => {
    let place = resolve(path);
    while (/^(?:predictions|seed-\d+)$/.test(basename(place)) && dirname(place) !== place) place = dirname(place);
    return basename(place).replace(/\.(?:npz|csv|parquet)$/i, '');
  });
  const repeated = new Set(names).size < names.length;
  const chosen = repeated ? paths : names;
  if (new Set(chosen).size === chosen.length) return chosen;
  return chosen.map((name, i) => `${name} (${i + 1})`);
}
