import {
  type Breakdown,
  type ClassDifference,
  type Difference,
  metricCatalogue,
  type MetricName,
  type SliceDifference,
} from '../../contract';
import { pc } from '../colours';
import { aligned, counted, cut, number, plain, pValue } from './words';

/** Lines of each kind that are shown; `--json` has them all. */
const most = 3;

/** A candidate's breakdown in few lines: slices, weak slices, units it hangs on, reversals, classes and confusions. */
export function differenceLines(breakdown: Breakdown, { units }: { units: boolean }): string[] {
  return [
    ...sliceLines(breakdown),
    ...weakLines(breakdown),
    // Of single rows the 1 % that speak most for a difference always make one of a point: only of units is it news.
    ...(units ? dependenceLines(breakdown) : []),
    ...breakdown.reversals.slice(0, most).map(({ sentence }) => `! ${plain(sentence)}`),
    ...classLines(breakdown.classes),
    ...confusionLines(breakdown),
  ];
}

function sliceLines({ slices, metric }: Breakdown): string[] {
  return slices.length === 0 ? [] : sliceTable(`slice (${label(metric)})`, slices);
}

function weakLines({ weakSlices, metric }: Breakdown): string[] {
  if (weakSlices === null) return [];
  const { columns, tried, tested, found, falseDiscoveryRate } = weakSlices;
  const worse = found.filter(({ verdict }) => verdict === 'worse');
  const better = found.filter(({ verdict }) => verdict === 'better');
  const searched = `${counted(tried, 'condition')} on ${counted(columns.length, 'column')}`;
  if (worse.length + better.length === 0)
    return [`Of ${searched} none is shown to differ, held against the ${tested} rows that were not searched.`];
  // Losses are what nobody expects of a winner.
  const told = [...worse.slice(0, 2 * most), ...better.slice(0, most)];
  const left = worse.length + better.length - told.length;
  const rest = left > 0 ? `; ${left} more in --json` : '';
  return [
    ...sliceTable(`found (${label(metric)})`, told),
    `  of ${searched}, measured on ${tested} rows that were not searched; false discoveries up to ${falseDiscoveryRate * 100} %${rest}`,
  ];
}

function sliceTable(title: string, slices: readonly SliceDifference[]): string[] {
  const [head = '', ...rows] = aligned([
    [title, 'rows', 'difference', 'interval', 'adjusted p', ''],
    ...slices.map((slice) => [
      cut(slice.name, 38),
      String(slice.rows),
      number(slice.difference, true),
      bounds(slice),
      pValue(slice.adjustedPValue),
      slice.verdict === 'too-small' ? 'too small' : slice.verdict,
    ]),
  ]);
  return [`  ${head}`, ...rows.map((row, i) => `  ${shaded(row, slices[i]?.verdict)}`)];
}

function shaded(row: string, verdict: SliceDifference['verdict'] | undefined): string {
  if (verdict === 'better') return pc.green(row);
  return verdict === 'worse' ? pc.red(row) : row;
}

function dependenceLines({ dependence, metric }: Breakdown): string[] {
  if (dependence === null || !dependence.changes) return [];
  const { leftOut, of, all, without } = dependence;
  return [
    `! It hangs on few: without the ${leftOut} of ${of} that speak most for it, the difference in ${label(metric)} is ${number(without.difference, true)} (${bounds(without)}) instead of ${number(all.difference, true)} (${bounds(all)}).`,
  ];
}

function classLines(classes: readonly ClassDifference[]): string[] {
  const size = ({ f1 }: ClassDifference): number => Math.abs(f1.difference ?? 0);
  const told = classes.filter((each) => size(each) > 0).sort((a, b) => size(b) - size(a));
  return told.slice(0, most).map(({ class: name, rows, f1, adjustedPValue }) => {
    const tested = adjustedPValue === null ? '' : `, adjusted p ${pValue(adjustedPValue)}`;
    return `  class ${cut(name, 30)}: F1 ${number(f1.control)} -> ${number(f1.variant)} (${number(f1.difference, true)}, ${bounds(f1)}${tested}; ${counted(rows, 'row')})`;
  });
}

function confusionLines({ confusion: { cells } }: Breakdown): string[] {
  const mistakes = cells.filter(({ label: truth, prediction, control, variant }) => truth !== prediction && control !== variant);
  return mistakes.slice(0, most).map(({ label: truth, prediction, control, variant }) => {
    const count = (rows: number): string => String(Number(rows.toFixed(1)));
    return `  ${cut(truth, 24)} taken for ${cut(prediction, 24)}: ${count(control)} -> ${count(variant)} rows`;
  });
}

const bounds = ({ low, high }: Difference): string =>
  low === null || high === null ? '-' : `${number(low, true)} to ${number(high, true)}`;

const label = (metric: string): string => (Object.hasOwn(metricCatalogue, metric) ? metricCatalogue[metric as MetricName].label : metric);
