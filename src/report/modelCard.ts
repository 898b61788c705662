import type { Comparison, Result, RunResult, SliceDifference, VariantResult } from '../contract';
import { breakdownsOf } from './breakdownWords';
import { answer, invalidReasons, overturn } from './answer';
import {
  formatConfidence,
  formatCount,
  formatDifference,
  formatDifferenceInterval,
  formatInterval,
  formatMetric,
  formatPercent,
  formatSeconds,
  formatTime,
} from './formatters';
import { metricInfo } from './metricInfo';

/**
 * A model card (Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, https://doi.org/10.1145/3287560.3287596) in Markdown, of the
 * variant to ship (default: the verdict's, else the control). Only what the record knows: a section that it knows nothing of is left out.
 */
export function modelCard(result: Result, name: string | null = result.verdict.variant): string {
  const variant = result.variants.find((one) => one.name === name) ?? result.variants.find(({ control }) => control);
  if (variant === undefined)
    return `# Model card: ${text(result.name)}\n\nThe experiment ${code(result.experiment)} has no variant with a result.\n`;
  const sections = [
    `# Model card: ${text(variant.name)}`,
    `${text(answer(result))}`,
    section('Model details', details(result, variant)),
    section('Intended use', intendedUse(result, variant)),
    section('Factors', factors(result)),
    section('Metrics', metrics(result, variant)),
    section('Evaluation data', evaluationData(result)),
    section('Training data', trainingData(result, variant)),
    section('Quantitative analyses', [...comparisons(result, variant), ...classes(variant), ...slices(result, variant)]),
    section('Caveats', caveats(result, variant)),
    section('How to reproduce', reproduce(result)),
  ];
  return `${sections.filter((part) => part !== '').join('\n\n')}\n`;
}

function details(
  { experiment, owner, finishedAt, approval, provenance: { git }, plan }: Result,
  { params, runs }: VariantResult,
): string[] {
  const done = runs.filter(({ status }) => status === 'done');
  const decided = approval?.state === 'approved' || approval?.state === 'rejected' ? approval : null;
  return list([
    `Trained and tested by experiment ${code(experiment)}, ended ${formatTime(finishedAt)}${owner === null ? '' : `, owned by ${text(owner)}`}.`,
    `Parameters: ${
      Object.keys(params).length === 0
        ? 'none'
        : Object.entries(params)
            .map(([key, value]) => code(`${key}=${said(value)}`))
            .join(', ')
    }.`,
    done.length === 0
      ? 'No run of it ended with a result.'
      : `${counted(done.length, 'trained model')}, seed ${done.map(({ seed }) => seed).join(', ')}; ${formatCount(median(done.map(({ steps }) => steps)))} steps and ${formatSeconds(median(done.map(({ seconds }) => seconds)))} of training each (median).`,
    ...models(done),
    ...distinct(done.map(deviceOf))
      .filter(Boolean)
      .map((model) => `Device: ${text(model)}.`),
    ...distinct(done.map(({ image }) => image ?? ''))
      .filter(Boolean)
      .map((image) => `Image: ${code(image)}.`),
    ...(git.commit === null
      ? []
      : [
          `Code: commit ${code(git.commit)}${git.dirty ? ', with uncommitted changes' : ''}${git.remote === null ? '' : ` of ${code(git.remote)}`}.`,
        ]),
    ...(decided === null
      ? []
      : [
          `${decided.state === 'approved' ? 'Approved' : 'Rejected'} by ${text(decided.by ?? 'somebody')}${decided.at === null ? '' : `, ${formatTime(decided.at)}`}${decided.reason === '' ? '' : `: ${text(decided.reason)}`}.`,
        ]),
    ...(plan.question === 'artifact' ? ['The claim is of these trained models, not of training them again.'] : []),
  ]);
}

/** Results of the first version did not say. */
const deviceOf = ({ device }: { device?: RunResult['device'] }): string => device?.model ?? '';

const models = (runs: readonly RunResult[]): string[] => {
  const stored = runs.filter(({ artifacts }) => artifacts.model !== null);
  return stored.length === 0
    ? []
    : [`Stored as ${stored.map(({ seed, artifacts }) => `${code(artifacts.model?.digest ?? '')} (seed ${seed})`).join(', ')}.`];
};

/** What the record knows of it: the task and the question. It does not know who will use the model, and does not guess. */
function intendedUse({ snapshot: { classes: names, source }, hypothesis, verdict }: Result, { name, control }: VariantResult): string[] {
  const ship =
    verdict.variant === null
      ? control
        ? 'It is the control; the verdict adopts no candidate in its place.'
        : null
      : verdict.variant === name
        ? 'The verdict is to adopt it.'
        : null;
  return list([
    `It assigns one of ${counted(names.length, 'class', 'classes')} (${some(names)}) to examples such as those of ${code(source)}.`,
    ...(hypothesis === null ? [] : [`The question it was made for: ${text(hypothesis)}`]),
    ...(ship === null ? [] : [ship]),
    'Nothing was measured on data from elsewhere.',
  ]);
}

function factors({ plan: { unit, slices: named }, checks }: Result): string[] {
  const drift = checks.find(({ name }) => name === 'drift');
  return list([
    ...(unit === null ? [] : [`Rows of one ${code(unit)} belong together: intervals are of units, not of rows.`]),
    ...named.map(({ name, where }) => `Part named beforehand: ${text(name)}, ${code(where)}.`),
    ...(drift === undefined ? [] : [`Against the data before: ${text(drift.detail)}`]),
  ]);
}

function metrics({ plan: { confidence } }: Result, { metrics: values, runs }: VariantResult): string[] {
  const rows = Object.entries(values).map(([metric, { estimate, low, high, method }]) => {
    const seeds = runs.flatMap((run) => run.metrics[metric] ?? []);
    const spread = seeds.length < 2 ? '–' : `${formatMetric(metric, Math.min(...seeds))} to ${formatMetric(metric, Math.max(...seeds))}`;
    return [text(metricInfo(metric).label), formatMetric(metric, estimate), formatInterval(metric, low, high), spread, text(method)];
  });
  return table(['metric', 'estimate', `${formatConfidence(confidence)} interval`, 'over the seeds', 'method'], rows);
}

function evaluationData({ snapshot: { source, rows, splits, digest } }: Result): string[] {
  return list([
    `${formatCount(splits.test)} test rows of ${formatCount(rows)} from ${code(source)}, kept apart from training and validation.`,
    `Snapshot ${code(digest)}.`,
  ]);
}

function trainingData({ snapshot: { splits }, checks }: Result, { runs }: VariantResult): string[] {
  const warm = distinct(runs.flatMap(({ warmStart }) => (!warmStart ? [] : [`${warmStart.run} at step ${warmStart.step}`])));
  return list([
    `${formatCount(splits.train)} training rows and ${formatCount(splits.validation)} validation rows of the same snapshot.`,
    ...warm.map((run) => `Begun from the weights of ${code(run)}.`),
    ...checks.filter(({ name }) => ['overlap', 'leaks', 'class-balance', 'covariates'].includes(name)).map(({ detail }) => text(detail)),
  ]);
}

function comparisons({ comparisons: all, variants, plan }: Result, { name, control }: VariantResult): string[] {
  const other = variants.find((one) => one.control)?.name ?? '';
  const own = all.filter((one) => control || one.variant === name);
  const row = (c: Comparison): string[] => [
    `${text(metricInfo(c.metric).label)}${c.role === 'secondary' ? '' : ` (${c.role})`}`,
    `${text(c.variant)} − ${text(c.control)}`,
    formatDifference(c.metric, c.difference),
    `${formatDifferenceInterval(c.metric, c.low, c.high)}${c.confidence === plan.confidence ? '' : ` at ${formatConfidence(c.confidence)}`}`,
    formatCount(c.n),
  ];
  if (own.length === 0) return [];
  return [
    `### Against ${control ? 'the candidates' : text(other)}`,
    '',
    ...table(['metric', 'difference of', 'difference', `${formatConfidence(plan.confidence)} interval`, 'n'], own.map(row)),
    '',
  ];
}

function classes({ perClass }: VariantResult): string[] {
  if (perClass.length === 0) return [];
  const share = (value: number | null): string => formatPercent(value);
  const rows = perClass.map((one) => [text(one.class), share(one.precision), share(one.recall), share(one.f1), formatCount(one.support)]);
  return ['### By class', '', ...table(['class', 'precision', 'recall', 'F1', 'rows'], rows), ''];
}

/** The control's numbers stand in every candidate's breakdown, and are the same there. */
function slices(result: Result, { name, control }: VariantResult): string[] {
  const { plan } = result;
  const own = breakdownsOf(result).find((one) => (control ? one.control === name : one.variant === name));
  if (own === undefined || own.slices.length === 0) return [];
  const row = (one: SliceDifference): string[] => [
    text(one.name),
    formatMetric(own.metric, control ? one.control : one.variant),
    ...(control ? [] : [formatDifference(own.metric, one.difference), formatDifferenceInterval(own.metric, one.low, one.high)]),
    formatCount(one.rows),
  ];
  const label = metricInfo(own.metric).label;
  const head = control
    ? ['part', label, 'rows']
    : ['part', label, `against ${text(own.control)}`, `${formatConfidence(plan.confidence)} interval`, 'rows'];
  return [`### By part (exploratory)`, '', ...table(head, own.slices.map(row)), ''];
}

function caveats(result: Result, { runs }: VariantResult): string[] {
  const { verdict, checks } = result;
  const deviations = runs.flatMap(({ seed, deviations: own }) => own.map((one) => `Seed ${seed}: ${text(one)}`));
  const failed = runs
    .filter(({ status }) => status === 'failed')
    .map(({ seed, failure }) => `Seed ${seed} failed: ${text(failure?.message.split('\n', 1)[0] ?? 'no reason is known')}`);
  return list([
    ...invalidReasons(result).map((reason) => `The comparison is not valid: ${text(reason)}`),
    ...(verdict.harm ? ['Harm was shown: see the verdict.'] : []),
    ...overturn(result).map(text),
    ...checks.filter(({ status, gate }) => status !== 'pass' && !gate).map(({ name, detail }) => `${text(name)}: ${text(detail)}`),
    ...failed,
    ...deviations,
  ]);
}

function reproduce({ experiment, snapshot, provenance: { spec, assay, command } }: Result): string[] {
  return [
    `Spec ${code(spec)}, snapshot ${code(snapshot.digest)}, assay ${text(assay)}; started by ${code(command.join(' '))}.`,
    '',
    '```',
    `assay replay ${experiment}     # runs it again from its record, and says what differs`,
    `assay verify ${experiment}     # hashes everything that the result was made from`,
    '```',
  ];
}

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? '' : [`## ${title}`, '', ...lines].join('\n').trimEnd();

const list = (items: readonly string[]): string[] => items.map((item) => `- ${item}`);

const table = (head: readonly string[], rows: readonly string[][]): string[] =>
  rows.length === 0 ? [] : [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);

/** What a user wrote is no markup. */
const text = (value: string): string =>
  value
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(/[\\`*_[\]<>|#~]/g, '\\$&');

function code(value: string): string {
  const flat = value.replaceAll(/\s+/g, ' ').replaceAll('|', '¦');
  return flat.includes('`') ? `\`\` ${flat} \`\`` : `\`${flat}\``;
}

const said = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
const distinct = (values: readonly string[]): string[] => [...new Set(values)];
const counted = (count: number, one: string, many = `${one}s`): string => `${formatCount(count)} ${count === 1 ? one : many}`;
const some = (names: readonly string[]): string =>
  `${names.slice(0, 12).map(text).join(', ')}${names.length > 12 ? ` and ${names.length - 12} more` : ''}`;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
