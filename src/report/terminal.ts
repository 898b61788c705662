import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';
import type { Comparison, Result } from '../contract';
import { answer, overturn } from './answer';
import { formatConfidence, formatDifference, formatDifferenceInterval, formatP, withMinus } from './formatters';
import { metricInfo } from './metricInfo';
import { direction, directionWords } from './reading';
import { checkWords } from './sections/checks';
import { metricsInOrder } from './sections/comparisons';
import { badges } from './sections/verdict';
import { approvalSentence, auditOf, steeringTitle } from './steeringWords';

const mostRows = 8;
const mostReasons = 4;
/** The nearest; all stand in the report. */
const mostDoubts = 2;

interface Look {
  colour: boolean;
  /** Of the terminal; longer lines go on below, broken at spaces. Undefined where nobody looks: a file has whole lines. */
  columns?: number | undefined;
}

/** The end of `assay run`: verdict, differences, reasons, and the checks that did not pass. */
export function terminalSummary(result: Result, options: Look): string {
  const colours = pc.createColors(options.colour);
  const { verdict } = result;
  const badge = badges[verdict.outcome];
  const paint = { adopt: colours.green, keep: colours.blue, equivalent: colours.cyan, inconclusive: colours.yellow, invalid: colours.red }[
    verdict.outcome
  ];
  const rows = metricsInOrder(result.comparisons).flatMap((metric) => result.comparisons.filter((c) => c.metric === metric));
  const open = result.checks.filter((check) => check.status !== 'pass');
  const approval = approvalSentence(result);
  const done = auditOf(result).map(
    ({ entry, when, did }) => `${when}  ${entry.by}  ${did}${entry.reason === '' ? '' : ` (${entry.reason})`}`,
  );
  const lines = [
    '',
    `${colours.bold(paint(`${badge.symbol} ${badge.word}`))}${verdict.harm ? colours.bold(colours.red('  ▼ harm shown')) : ''}  ${colours.bold(printable(answer(result)))}`,
    ...(approval === null ? [] : [`  ${colours.bold(printable(approval))}`]),
    ...overturn(result)
      .slice(0, mostDoubts)
      .map((doubt) => `  ${colours.yellow('!')} ${printable(doubt)}`),
    ...cut(verdict.reasons.map(withMinus), mostReasons, 'reasons').map((reason) => `  ${colours.dim('·')} ${printable(reason)}`),
    '',
    ...differenceLines(rows.slice(0, mostRows), result.plan.confidence, colours),
    ...(rows.length > mostRows ? [colours.dim(`  and ${rows.length - mostRows} more in the report`)] : []),
    ...(open.length === 0 ? [] : ['']),
    ...cut(open, 4, 'checks').map((check) =>
      typeof check === 'string'
        ? `  ${check}`
        : `  ${(check.status === 'fail' ? colours.red : colours.yellow)(`${checkWords[check.status].symbol} ${check.status}`)}  ${printable(check.name)}: ${printable(check.detail)}`,
    ),
    ...(done.length === 0 ? [] : ['', `  ${steeringTitle}`]),
    ...cut(done, mostRows, 'entries').map((line) => `  ${colours.dim('·')} ${printable(line)}`),
  ];
  return `${lines.flatMap((line) => wrapped(line, options.columns)).join('\n')}\n`;
}

function differenceLines(rows: Comparison[], confidence: number, colours: ReturnType<typeof pc.createColors>): string[] {
  if (rows.length === 0) return [colours.dim('  no comparison could be made')];
  const cells = rows.map((c) =>
    [
      metricInfo(c.metric).label,
      c.variant,
      formatDifference(c.metric, c.difference),
      // The primary of several candidates has a level of its own.
      `${formatDifferenceInterval(c.metric, c.low, c.high)}${c.confidence === confidence ? '' : ` at ${formatConfidence(c.confidence)}`}`,
      `${directionWords[direction(c)].symbol} ${directionWords[direction(c)].word}`,
      formatP(c.adjustedPValue ?? c.pValue),
    ].map(printable),
  );
  const heads = ['metric', 'variant', `difference`, `${formatConfidence(confidence)} interval`, '', ''];
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (row: string[]): string =>
    `  ${row.map((cell, i) => (i === 2 || i === 3 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ')}`.trimEnd();
  return [
    colours.dim(line(heads)),
    ...cells.map((row, i) => {
      const way = rows[i] === undefined ? 'open' : direction(rows[i]);
      const paint = way === 'better' ? colours.green : way === 'worse' ? colours.red : (text: string): string => text;
      return paint(line(row));
    }),
  ];
}

function cut<T>(items: readonly T[], most: number, what: string): (T | string)[] {
  return items.length <= most ? [...items] : [...items.slice(0, most), `and ${items.length - most} more ${what} in the report`];
}

/** Goes on below the text of the line, further in than it began; a word longer than the terminal is left to the terminal. */
function wrapped(line: string, columns = 0): string[] {
  // A terminal of no width has not told its own.
  if (columns < 1 || widthOf(line) <= columns) return [line];
  const start = / */.exec(stripVTControlCharacters(line))?.[0].length ?? 0;
  const indent = ' '.repeat(start + 2);
  const rows: string[] = [];
  let row = '';
  for (const [, spaces = '', word = ''] of line.matchAll(/( *)([^ ]+)/g)) {
    if (row !== '' && widthOf(row) + spaces.length + widthOf(word) > columns) {
      rows.push(row);
      row = indent + word;
    } else row += spaces + word;
  }
  return [...rows, row];
}

/** Without the codes of its colours. */
const widthOf = (text: string): number => stripVTControlCharacters(text).length;

/** Neither the colours nor the control characters of a name or a log line may reach the terminal. */
const printable = (text: string): string => stripVTControlCharacters(text).replace(/\p{Cc}+/gu, ' ');
