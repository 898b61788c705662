import { formatDifference, formatDifferenceInterval, formatMetric } from '../formatters';
import { escape } from '../markdown';
import { metricInfo } from '../metricInfo';
import { directionWords } from '../reading';
import { checkWords } from '../sections/checks';
import { badges } from '../sections/verdict';
import type { Against, CheckPair } from './compare';
import type { EffectPair, Estimate } from './effects';
import { againstSentence, changeDirection, dependenceSentence, levelOf, written } from './words';

/** For a pull request: the same tables, without the drawings. */
export function renderAgainstMarkdown(against: Against): string {
  const { experiment, against: before } = against;
  const heads = [before, experiment].map((side) => escape(side.experiment));
  const verdict = ({ verdict: { outcome }, answer }: Against['experiment']): string => `${badges[outcome].symbol} ${escape(answer)}`;
  return [
    `## ${escape(experiment.experiment)} against ${escape(before.experiment)}`,
    '',
    `**${escape(againstSentence(against))}**`,
    '',
    escape(dependenceSentence(against)),
    '',
    ...table(['', ...heads], [['verdict', verdict(before), verdict(experiment)]]),
    ...part(
      'What changed between them',
      table(
        ['key', 'of', ...heads],
        against.changes.map(({ key, about, before: then, after: now }) => [
          escape(key),
          about,
          escape(written(then)),
          escape(written(now)),
        ]),
      ),
      against.changes.length === 0,
    ),
    ...part('The effects', table(['metric', 'variant', ...heads, 'change', 'interval', 'reading'], against.effects.map(effectRow))),
    ...part(
      'Metrics by variant',
      table(
        ['metric', 'variant', ...heads],
        against.metrics.map(({ metric, variant, before: then, after: now }) => [
          escape(metricInfo(metric).label),
          escape(variant),
          formatMetric(metric, then?.estimate),
          formatMetric(metric, now?.estimate),
        ]),
      ),
    ),
    ...part(
      'Checks that changed',
      table(
        ['check', ...heads],
        against.checks.map((pair) => [escape(pair.name), checkCell(pair.before), checkCell(pair.after)]),
      ),
      against.checks.length === 0,
    ),
  ].join('\n');
}

function effectRow({ metric, variant, before, after, change }: EffectPair): string[] {
  const cell = ({ difference, low, high }: Estimate): string =>
    `${formatDifference(metric, difference)} ${formatDifferenceInterval(metric, low, high)}`;
  const { symbol, word } = directionWords[changeDirection(metric, change)];
  return [
    escape(metricInfo(metric).label),
    escape(variant.before === variant.after ? variant.after : `${variant.before}, ${variant.after}`),
    cell(before),
    cell(after),
    formatDifference(metric, change.difference),
    change.low === null ? 'none' : `${formatDifferenceInterval(metric, change.low, change.high)} (${levelOf(change)})`,
    `${symbol} ${word}`,
  ];
}

const checkCell = (check: CheckPair['after']): string =>
  check === null ? 'not run' : `${checkWords[check.status].symbol} ${check.status}: ${escape(check.detail)}`;

const part = (title: string, lines: string[], empty = false): string[] => (empty ? [] : [`### ${title}`, '', ...lines]);

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  line(heads),
  line(heads.map(() => '---')),
  ...rows.map(line),
  '',
];

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
