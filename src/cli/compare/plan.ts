import { type AnalysisVariant, seedsForAlgorithm, some } from '../../analysis';
import { AssayError, type Guardrail, metricCatalogue, type MetricName, type RegisteredPlan } from '../../contract';
import type { CompareOptions } from './input';
import { counted } from './words';

/** What needs no more than the predicted classes. */
const ofClasses = ['accuracy', 'f1_macro', 'recall_macro'];
const byDefault = { scores: ['accuracy', 'f1_macro', 'auc_ovr', 'log_loss'], classes: ofClasses };

/** The plan an experiment would have registered with these options: the algorithm question from 5 seeds on. */
export function comparePlan(options: CompareOptions, variants: AnalysisVariant[], classesOnly: string | null): RegisteredPlan {
  const metrics = options.metrics ?? byDefault[classesOnly === null ? 'scores' : 'classes'];
  const guardrails = (options.guardrails ?? []).map(parseGuardrail);
  for (const metric of [...metrics, ...guardrails.map(({ metric: name }) => name)]) checkMetric(metric, classesOnly);
  const primary = metrics[0] ?? 'accuracy';
  const repeated = guardrails.find(({ metric }, i) => guardrails.findIndex((other) => other.metric === metric) !== i);
  if (repeated !== undefined) throw new AssayError('SpecInvalid', `--guardrail ${repeated.metric} is given twice; give one limit a metric`);
  for (const { metric, limit, relative } of guardrails) possible(`--guardrail ${metric}`, metric, { size: limit, relative });
  if (guardrails.some(({ metric }) => metric === primary))
    throw new AssayError('SpecInvalid', `--guardrail ${primary}: it is the primary metric; expected another, or another first --metric`);
  const test = options.test ?? 'superiority';
  const margin = parseAmount(options.margin ?? 0, 'margin');
  possible('--margin', primary, margin);
  if (test !== 'superiority' && margin.size === 0)
    throw new AssayError('SpecInvalid', `${test} needs a margin; give --margin, e.g. 0.01 or 5%`);
  const runs = variants.flatMap((variant) => (variant.pretrained ? [] : variant.runs.map((run) => run.seed)));
  refuseStrangers(variants);
  const seeds = [...new Set(runs)].sort((a, b) => a - b);
  inRange('seed', options.seed ?? 0, 0, Number.MAX_SAFE_INTEGER);
  return {
    primary,
    question: questionOf(options.question ?? 'auto', variants, seeds),
    test,
    margin: margin.size,
    marginRelative: margin.relative,
    confidence: inRange('confidence', options.confidence ?? 0.95, 0.5, 0.999999),
    resamples: inRange('resamples', options.resamples ?? 20_000, 1000, 1_000_000),
    correction: options.correction ?? 'holm',
    metrics: [...new Set([...metrics, ...guardrails.map(({ metric }) => metric)])],
    guardrails,
    seeds: seeds.length === 0 ? [1] : seeds,
    unit: options.unit === undefined ? null : 'unit',
    slices: parseSlices(options.slices ?? []),
  };
}

function checkMetric(metric: string, classesOnly: string | null): void {
  const known = Object.entries(metricCatalogue).flatMap(([name, entry]) => (entry.source === 'predictions' ? [name] : []));
  if (!known.includes(metric)) {
    const measured = Object.hasOwn(metricCatalogue, metric);
    const why = measured ? `is measured by an experiment, as ${metricCatalogue[metric as MetricName].source} data` : 'is unknown';
    throw new AssayError('SpecInvalid', `metric "${metric}" ${why}; from predictions there are ${known.join(', ')}`);
  }
  if (classesOnly !== null && !ofClasses.includes(metric))
    throw new AssayError(
      'SpecInvalid',
      `metric "${metric}" needs a score for each class, and ${classesOnly} holds predicted classes alone; for those there are ${ofClasses.join(', ')}`,
    );
}

/** Runs are paired by seed: sides without a common one are mistaken for runs that failed. */
function refuseStrangers([control, ...others]: readonly AnalysisVariant[]): void {
  if (control === undefined || control.pretrained) return;
  const own = new Set(control.runs.map(({ seed }) => seed));
  const stranger = others.find(({ pretrained, runs }) => !pretrained && !runs.some(({ seed }) => own.has(seed)));
  if (stranger === undefined) return;
  const list = (runs: AnalysisVariant['runs']): string => some(runs.map(({ seed }) => String(seed)));
  throw new AssayError(
    'PredictionsInvalid',
    `${stranger.name} has the seeds ${list(stranger.runs)}, and ${control.name} ${list(control.runs)}: runs are paired by seed, which folders named seed-N say; give both sides the same seeds`,
  );
}

function questionOf(
  asked: NonNullable<CompareOptions['question']>,
  variants: AnalysisVariant[],
  seeds: readonly number[],
): RegisteredPlan['question'] {
  const still = variants.find((variant) => variant.pretrained);
  if (asked === 'artifact') return asked;
  if (asked === 'auto') return still === undefined && seeds.length >= seedsForAlgorithm ? 'algorithm' : 'artifact';
  const common = seeds.filter((seed) => variants.every(({ runs }) => runs.some((run) => run.seed === seed)));
  if (still === undefined && common.length >= seedsForAlgorithm) return asked;
  const got = still === undefined ? counted(common.length, 'seed') : `one model of ${still.name}`;
  throw new AssayError(
    'SpecInvalid',
    `--question algorithm asks about training again and needs ${seedsForAlgorithm} seeds of each side, got ${got}; give NAME=seed1.csv,seed2.csv,..., or ask for artifact`,
  );
}

function parseGuardrail(text: string): Guardrail {
  const [metric = '', limit, ...rest] = text.split(':').map((part) => part.trim());
  if (limit === undefined || rest.length > 0)
    throw new AssayError('SpecInvalid', `--guardrail "${text}": expected METRIC:LIMIT, such as recall_macro:0.01 or log_loss:5%`);
  const { size, relative } = parseAmount(limit, `guardrail on ${metric}`);
  return { metric, limit: size, relative };
}

function parseAmount(amount: number | string, name: string): { size: number; relative: boolean } {
  const text = String(amount).trim();
  const match = /^(\d*\.?\d+(?:e-?\d+)?)\s*(%?)$/i.exec(text);
  if (match === null || !Number.isFinite(Number(match[1])))
    throw new AssayError('SpecInvalid', `${name} "${text}": expected a number of 0 or more, or a share such as 5%`);
  return { size: Number(match[1]) / (match[2] === '%' ? 100 : 1), relative: match[2] === '%' };
}

/** A fraction cannot differ by more than 1: 5 was meant as 5 points or 5 %. */
function possible(flag: string, metric: string, { size, relative }: { size: number; relative: boolean }): void {
  if (relative || size <= 1 || metricCatalogue[metric as MetricName].unit !== 'fraction') return;
  throw new AssayError(
    'SpecInvalid',
    `${flag}: ${metric} is a fraction and cannot differ by ${size}; write ${size / 100} for ${size} points, or "${size}%" of the control's value`,
  );
}

function parseSlices(texts: readonly string[]): RegisteredPlan['slices'] {
  const slices = texts.map((text) => {
    const colon = text.indexOf(':');
    const [name, where] = [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
    if (colon > 0 && name !== '' && where !== '') return { name, where };
    throw new AssayError(
      'SpecInvalid',
      `--slice "${text}": expected NAME: CONDITION on the columns of --features, such as "night: hour < 6"`,
    );
  });
  const repeated = slices.find(({ name }, i) => slices.findIndex((other) => other.name === name) !== i);
  if (repeated !== undefined) throw new AssayError('SpecInvalid', `--slice "${repeated.name}" is given twice; name each slice once`);
  return slices;
}

function inRange(name: string, value: number, low: number, high: number): number {
  if (value >= low && value <= high) return value;
  if (Number.isNaN(value)) throw new AssayError('SpecInvalid', `--${name}: expected a number from ${low} to ${high}`);
  throw new AssayError('SpecInvalid', `--${name} ${value}: expected ${low} to ${high}`);
}
