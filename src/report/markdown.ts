import { type Comparison, type Result, stoppedFailure } from '../contract';
import { answer, invalidReasons, overturn } from './answer';
import { breakdownSentences, breakdownsOf } from './breakdownWords';
import {
  formatConfidence,
  formatCount,
  formatDifference,
  formatDifferenceInterval,
  formatPValue,
  formatTime,
  withMinus,
} from './formatters';
import { metricInfo } from './metricInfo';
import { direction, directionWords } from './reading';
import { checkWords } from './sections/checks';
import { metricsInOrder } from './sections/comparisons';
import { badges } from './sections/verdict';
import { approvalSentence, auditOf, steeringTitle } from './steeringWords';

/** For a pull request: verdict, reasons, differences, what needs attention, where the rest is. */
export function renderMarkdown(result: Result): string {
  const { verdict, provenance, snapshot } = result;
  const badge = badges[verdict.outcome];
  const open = result.checks.filter((check) => check.status !== 'pass');
  const failed = result.variants.flatMap((variant) =>
    variant.runs
      .filter((run) => run.status === 'failed' && run.failure?.type !== stoppedFailure)
      .map((run) => `${variant.name} seed ${run.seed}`),
  );
  const approval = approvalSentence(result);
  const lines = [
    `## ${badge.symbol} ${badge.word}${verdict.harm ? ' (harm shown)' : ''}: ${escape(result.name)}`,
    '',
    `**${escape(answer(result))}**`,
    '',
    ...part('What makes it invalid', invalidReasons(result)),
    ...part(verdict.outcome === 'invalid' ? 'What has to be mended first' : 'What could overturn it', overturn(result)),
    ...(approval === null ? [] : [`**Approval.** ${escape(approval)}`, '']),
    ...part('Reasons', verdict.reasons.map(withMinus)),
    ...comparisonTable(result),
    ...(open.length === 0
      ? []
      : [
          '### Checks that need a look',
          '',
          ...list(
            open.map(
              (check) =>
                `${checkWords[check.status].symbol} **${escape(check.name)}** (${check.status}${check.gate ? ', gate' : ''}): ${escape(check.detail)}`,
            ),
          ),
        ]),
    ...whereItDiffers(result),
    ...whatWasDone(result),
    ...(failed.length === 0 ? [] : [`Failed runs: ${escape(failed.join(', '))}.`, '']),
    `<sub>${formatCount(snapshot.splits.test)} test rows · snapshot \`${snapshot.digest.slice(0, 19)}\` · spec \`${provenance.spec.slice(0, 19)}\`${provenance.git.commit === null ? '' : ` · commit \`${code(provenance.git.commit.slice(0, 12))}\``} · ${formatTime(result.finishedAt)}</sub>`,
    '',
    `The full report: \`assay report ${code(result.experiment)} --open\`; the numbers: \`assay report ${code(result.experiment)} --format json\`.`,
    '',
  ];
  return lines.join('\n');
}

function comparisonTable(result: Result): string[] {
  if (result.comparisons.length === 0) return [];
  const rows = metricsInOrder(result.comparisons).flatMap((metric) => result.comparisons.filter((c) => c.metric === metric));
  return [
    `| metric | variant − control | difference | ${formatConfidence(result.plan.confidence)} interval | reading | p | adjusted p | n |`,
    '| --- | --- | ---: | ---: | --- | ---: | ---: | ---: |',
    ...rows.map((c) => row(c, result.plan.confidence)),
    '',
  ];
}

function row(c: Comparison, confidence: number): string {
  const { symbol, word } = directionWords[direction(c)];
  const name = c.role === 'secondary' ? metricInfo(c.metric).label : `**${metricInfo(c.metric).label}** (${c.role})`;
  const cells = [
    name === metricInfo(c.metric).label ? escape(name) : name,
    `${escape(c.variant)} − ${escape(c.control)}`,
    formatDifference(c.metric, c.difference),
    `${formatDifferenceInterval(c.metric, c.low, c.high)}${c.confidence === confidence ? '' : ` at ${formatConfidence(c.confidence)}`}`,
    `${symbol} ${word}`,
    formatPValue(c.pValue),
    c.adjustedPValue === null ? '–' : formatPValue(c.adjustedPValue),
    formatCount(c.n),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** Slices that go another way, few units, reversals: what a breakdown has to say aloud; nothing where it has nothing. */
function whereItDiffers(result: Result): string[] {
  const sentences = breakdownsOf(result).flatMap((breakdown) => breakdownSentences(result, breakdown));
  return sentences.length === 0 ? [] : ['### Where it differs (exploratory)', '', ...list(sentences.map(escape))];
}

/** Who steered it, when and why; nothing where nobody did. */
function whatWasDone(result: Result): string[] {
  const lines = auditOf(result).map(
    ({ entry, when, did }) => `${when} ${entry.by} ${did}${entry.reason === '' ? '' : ` (${entry.reason})`}`,
  );
  return lines.length === 0 ? [] : [`### ${steeringTitle}`, '', ...list(lines.map(escape))];
}

const part = (title: string, items: string[]): string[] => (items.length === 0 ? [] : [`### ${title}`, '', ...list(items.map(escape))]);

const list = (items: string[]): string[] => (items.length === 0 ? [] : [...items.map((item) => `- ${item}`), '']);

/** Text of a user cannot become markup, a table cell, a link or a mention. */
export const escape = (text: string): string =>
  text
    .replace(/[\r\n]+/g, ' ')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_[\]|~#]/g, '\\$&')
    .replace(/@/g, '@\u200b');

const code = (text: string): string => text.replace(/[`\r\n|]/g, ' ');
