import type { Comparison, Result } from '../contract';
import { answer, overturn } from './answer';
import { breakdownSentences, breakdownsOf } from './breakdownWords';
import {
  formatConfidence,
  formatCount,
  formatDifference,
  formatDifferenceInterval,
  formatPValue,
  formatSeconds,
  withMinus,
} from './formatters';
import { escape } from './markdown';
import { metricInfo } from './metricInfo';
import { direction, directionWords } from './reading';
import { checkWords } from './sections/checks';
import { metricsInOrder } from './sections/comparisons';
import { badges } from './sections/verdict';

/** What a summary is made of: a result, or what `assay compare` found. */
export interface Summarised extends Pick<Result, 'verdict' | 'plan' | 'comparisons' | 'checks' | 'breakdowns'> {
  /** Names the comment that is written anew. */
  name: string;
  /** Runs without a result, each with its reason. */
  failures: string[];
  /** What it took, in words; empty where nothing was run. */
  cost: string[];
  /** Markdown of our own making. */
  links: string[];
}

/** GitHub refuses a comment of more than 65,536 characters; what posts it may add a line. */
const longest = 65_000;
const most = { reasons: 6, doubts: 6, rows: 40, failures: 10, checks: 10, sentences: 10 };
const longestText = 600;

/** Begins every summary, so that the comment of before is found and written anew. */
export const summaryMarker = (name: string): string => `<!-- assay:${name.replace(/[^\w.]+/g, '-')} -->`;

/** The comment for a pull request: the verdict, the numbers it rests on, and what needs a look. */
export function renderSummary(summarised: Summarised): string {
  const { name, verdict, plan, comparisons, checks, breakdowns, failures, cost, links } = summarised;
  const badge = badges[verdict.outcome];
  const open = checks.filter(({ status }) => status !== 'pass').sort((a, b) => Number(b.status === 'fail') - Number(a.status === 'fail'));
  const differs = breakdownsOf({ breakdowns }).flatMap((breakdown) => breakdownSentences({ plan }, breakdown));
  return fitted([
    summaryMarker(name),
    `## ${badge.symbol} ${badge.word}${verdict.harm ? ' (harm shown)' : ''}: ${text(name)}`,
    '',
    `**${text(answer(summarised))}**`,
    '',
    ...part(
      verdict.outcome === 'invalid' ? 'What has to be mended first' : 'What could overturn it',
      overturn(summarised).map(text),
      most.doubts,
      'doubts',
    ),
    ...part('Reasons', verdict.reasons.map(withMinus).map(text), most.reasons, 'reasons'),
    ...table(comparisons, plan.confidence),
    ...part('Runs without a result', failures.map(text), most.failures, 'runs'),
    ...part(
      'Checks that need a look',
      open.map(
        ({ status, name: check, gate, detail }) =>
          `${checkWords[status].symbol} **${text(check)}** (${status}${gate ? ', gate' : ''}): ${text(detail)}`,
      ),
      most.checks,
      'checks',
    ),
    ...part('Where it differs (exploratory)', differs.map(text), most.sentences, 'findings'),
    ...(cost.length === 0 ? [] : [`Cost: ${cost.map(text).join(' · ')}`, '']),
    ...(links.length === 0 ? [] : [links.join(' · '), '']),
  ]);
}

/** The same place for an experiment that has no verdict: why, in the words of the error. */
export function renderNoVerdict({
  name,
  title,
  message,
  links,
}: {
  name: string;
  title: string;
  message: string;
  links: string[];
}): string {
  const ticks = Math.max(2, ...[...message.matchAll(/`+/g)].map(([run]) => run.length)) + 1;
  const shown = message.length > 8000 ? `${message.slice(0, 8000)}\n…` : message;
  return fitted([
    summaryMarker(name),
    `## ✕ No verdict: ${text(name)}`,
    '',
    `**${text(title)}**`,
    '',
    ...(shown === '' ? [] : ['`'.repeat(ticks), shown, '`'.repeat(ticks), '']),
    ...(links.length === 0 ? [] : [links.join(' · '), '']),
  ]);
}

/** Runs that failed, each with the first line of its reason and the last of its log, which is most often why. */
export const failuresOf = ({ variants }: Pick<Result, 'variants'>): string[] =>
  variants.flatMap(({ name, runs }) =>
    runs.flatMap(({ seed, failure }) => {
      if (failure === null) return [];
      const lines = failure.message.split('\n').filter((line) => line.trim() !== '');
      return [`${name} seed ${seed}: ${lines[0] ?? failure.type}${lines.length > 1 ? ` … ${lines.at(-1)}` : ''}`];
    }),
  );

/** Runs, training time and failures of an experiment, in words. */
export function costOf({ variants }: Pick<Result, 'variants'>): string[] {
  const runs = variants.flatMap((variant) => variant.runs);
  const seconds = runs.reduce((sum, run) => sum + run.seconds, 0);
  const hours = runs.reduce((sum, run) => sum + (run.seconds * run.device.uuids.length) / 3600, 0);
  const again = runs.reduce((sum, run) => sum + Math.max(0, run.attempts - 1), 0);
  const failed = runs.filter(({ status }) => status === 'failed').length;
  return [
    `${formatCount(runs.length)} ${runs.length === 1 ? 'run' : 'runs'}`,
    `${formatSeconds(seconds)} of training`,
    ...(hours > 0 ? [`${hours.toPrecision(2)} GPU-hours`] : []),
    ...(again > 0 ? [`${formatCount(again)} started again`] : []),
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
  ];
}

function table(comparisons: Comparison[], confidence: number): string[] {
  if (comparisons.length === 0) return ['No comparison could be made.', ''];
  const rows = metricsInOrder(comparisons).flatMap((metric) => comparisons.filter((each) => each.metric === metric));
  return [
    `| metric | variant − control | difference | ${formatConfidence(confidence)} interval | reading | p |`,
    '| --- | --- | ---: | ---: | --- | ---: |',
    ...rows.slice(0, most.rows).map((each) => row(each, confidence)),
    ...(rows.length > most.rows ? ['', `and ${rows.length - most.rows} more in the report`] : []),
    '',
  ];
}

function row(each: Comparison, confidence: number): string {
  const { symbol, word } = directionWords[direction(each)];
  const label = text(metricInfo(each.metric).label);
  const cells = [
    each.role === 'secondary' ? label : `**${label}** (${each.role})`,
    `${text(each.variant)} − ${text(each.control)}`,
    formatDifference(each.metric, each.difference),
    `${formatDifferenceInterval(each.metric, each.low, each.high)}${each.confidence === confidence ? '' : ` at ${formatConfidence(each.confidence)}`}`,
    `${symbol} ${word}`,
    formatPValue(each.adjustedPValue ?? each.pValue),
  ];
  return `| ${cells.join(' | ')} |`;
}

const part = (title: string, items: string[], limit: number, what: string): string[] =>
  items.length === 0 ? [] : [`### ${title}`, '', ...list(items, limit, what)];

function list(items: string[], limit: number, what: string): string[] {
  if (items.length === 0) return [];
  const rest = items.length > limit ? [`- and ${items.length - limit} more ${what} in the report`] : [];
  return [...items.slice(0, limit).map((item) => `- ${item}`), ...rest, ''];
}

/** Words of others, cut where they are long. */
const text = (words: string): string => escape(words.length > longestText ? `${words.slice(0, longestText)}…` : words);

/** Whole lines only, so that no table row or escape is cut through. */
function fitted(lines: string[]): string {
  const kept: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (length > longest) return `${kept.join('\n')}\n\nThe rest is in the report.\n`;
    kept.push(line);
  }
  return kept.join('\n');
}
