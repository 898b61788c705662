import { type Comparison, metricCatalogue, type MetricName, type Verdict } from '../../contract';
import { pc } from '../colours';
import type { CompareResult } from './compare';
import { differenceLines } from './differences';
import { aligned, counted, cut, number, pValue, plain } from './words';

/** What a person reads on the terminal: the verdict, one table a candidate, what is behind the primary's number, and where it differs. */
export function compareText(result: CompareResult): string {
  const { verdict, plan, comparisons, variants, rows, notes, look } = result;
  const lines = [coloured(verdict), ''];
  for (const candidate of variants.filter((variant) => !variant.control)) {
    const own = comparisons.filter((comparison) => comparison.variant === candidate.name);
    lines.push(...table(result, candidate.name, own), '');
  }
  lines.push(`${counted(rows, 'test row')}, ${counted(plan.seeds.length, 'seed')}; question: ${plan.question}; rule: ${plan.test}.`);
  const said = new Set([...(look === null ? [] : [look.sentence]), ...verdict.reasons, ...primaryNotes(comparisons)]);
  lines.push(...[...said].map((sentence) => `- ${plain(sentence)}`));
  if (notes.length > 0) lines.push('', pc.bold('How the files were read'), ...notes.map((note) => `- ${plain(note)}`));
  for (const breakdown of result.breakdowns) {
    const differences = differenceLines(breakdown, { units: plan.unit !== null });
    const title = variants.length > 2 ? `Where ${cut(breakdown.variant, 30)} differs` : 'Where it differs';
    if (differences.length > 0) lines.push('', `${pc.bold(title)} (to look at, not to decide on)`, ...differences);
  }
  return lines.join('\n');
}

/** What is said of one of several candidates is said with its name. */
function primaryNotes(comparisons: readonly Comparison[]): string[] {
  const primaries = comparisons.filter(({ role }) => role === 'primary');
  return primaries.flatMap(({ variant, notes }) =>
    notes.map((note) => (primaries.every((other) => other.notes.includes(note)) ? note : `${variant}: ${note}`)),
  );
}

function table({ plan, variants }: CompareResult, candidate: string, comparisons: readonly Comparison[]): string[] {
  const [control, variant] = [variants.find((arm) => arm.control), variants.find((arm) => arm.name === candidate)];
  const head = ['metric', control?.name ?? 'control', candidate, 'difference', `${percent(plan.confidence)} interval`, 'p'];
  return aligned([
    head.map((name) => cut(name, 16)),
    ...comparisons.map((comparison) => [
      metricCatalogue[comparison.metric as MetricName].label + { primary: ' *', guardrail: ' !', secondary: '' }[comparison.role],
      number(control?.metrics[comparison.metric]?.estimate ?? null),
      number(variant?.metrics[comparison.metric]?.estimate ?? null),
      number(comparison.difference, true),
      interval(comparison, plan.confidence),
      pValue(comparison.adjustedPValue ?? comparison.pValue),
    ]),
  ]);
}

/** The confidence stands beside the interval where it is not that of the heading: of several candidates, and of equivalence. */
function interval({ low, high, confidence }: Comparison, usual: number): string {
  if (low === null || high === null) return '-';
  const own = Math.abs(confidence - usual) > 1e-9 ? ` (${percent(confidence)})` : '';
  return `${number(low, true)} to ${number(high, true)}${own}`;
}

const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;

function coloured({ outcome, harm, sentence }: Verdict): string {
  const text = plain(sentence);
  if (outcome === 'adopt' || outcome === 'equivalent') return pc.green(text);
  return outcome === 'invalid' || harm ? pc.red(text) : pc.yellow(text);
}
