import type { Comparison, VariantResult } from '../contract';
import { withMinus } from './formatters';
import { confoundedBy, direction } from './reading';
import { failedGates, subjectOf, type Told } from './subject';

export { overturn } from './overturn';

/**
 * The answer as a person says it: the verdict's sentence with what the variant costs in memory, time and energy put in before its last word.
 * Shares are of the control's value ("23 % faster training" takes 23 % less time), and stand only where the interval excludes none.
 */
export function answer(result: Told): string {
  const { outcome } = result.verdict;
  const sentence = withMinus(result.verdict.sentence);
  const subject = subjectOf(result);
  const said = outcome === 'invalid' || subject === null ? [] : costs(result, subject);
  if (said.length === 0) return sentence;
  const last = ending(result, subject?.control ?? '');
  if (!sentence.endsWith(last)) return `${sentence.replace(/\.$/, '')}; ${said.join(', ')}`;
  return `${sentence.slice(0, sentence.length - last.length)}, ${said.join(', ')}${last}`;
}

/** Why no number of this result may be used, each with the check that says so; empty where the comparison is valid. */
export function invalidReasons({ checks, verdict }: Told): string[] {
  const gates = failedGates(checks).map(({ name, detail }) => `${name}: ${detail}`);
  return gates.length > 0 || verdict.outcome !== 'invalid' ? gates : verdict.reasons.map(withMinus);
}

/** How every sentence of the rule ends. */
function ending({ verdict: { outcome } }: Told, control: string): string {
  return outcome === 'keep' ? `; keep ${control}` : `; ${outcome}`;
}

/** Of each line the first that was compared. */
const groups = [['peak_memory'], ['training_seconds'], ['latency_p95', 'latency_p50'], ['energy', 'gpu_hours']] as const;

/** What less and more of it are called, and what it is: "3.1 times the memory". */
const words: Record<(typeof groups)[number][number], { less: string; more: string; it: string }> = {
  peak_memory: { less: 'less memory', more: 'more memory', it: 'memory' },
  training_seconds: { less: 'faster training', more: 'slower training', it: 'training time' },
  latency_p95: { less: 'lower p95 latency', more: 'higher p95 latency', it: 'p95 latency' },
  latency_p50: { less: 'lower median latency', more: 'higher median latency', it: 'median latency' },
  energy: { less: 'less energy', more: 'more energy', it: 'energy' },
  gpu_hours: { less: 'fewer GPU-hours', more: 'more GPU-hours', it: 'GPU-hours' },
};

function costs({ comparisons, variants, plan }: Told, { variant, control }: Comparison): string[] {
  const before = variants?.find(({ name }) => name === control);
  const said: string[] = [];
  const open: string[] = [];
  for (const metrics of groups) {
    const metric = metrics.find(
      (each) => each !== plan.primary && comparisons.some((one) => one.metric === each && one.variant === variant),
    );
    const found = comparisons.find((one) => one.metric === metric && one.variant === variant);
    if (metric === undefined || found === undefined || confoundedBy(found) !== null) continue;
    const way = direction(found);
    const ratio = way === 'better' || way === 'worse' ? ratioOf(found, before) : null;
    if (way === 'open' && found.role === 'secondary') open.push(words[metric].it);
    if (ratio !== null) said.push(inWords(words[metric], ratio));
  }
  return [...said, ...(open.length === 0 ? [] : [`${listed(open)} not settled`])];
}

/** Variant over control, as measured. */
function ratioOf({ ratio, difference, metric }: Comparison, control: VariantResult | undefined): number | null {
  if (ratio !== null) return ratio.estimate;
  const before = control?.metrics[metric]?.estimate ?? null;
  return difference === null || before === null || !(before > 0) ? null : (before + difference) / before;
}

function inWords({ less, more, it }: { less: string; more: string; it: string }, ratio: number): string {
  if (ratio >= 2) return `${Number(ratio.toPrecision(2))} times the ${it}`;
  const share = Math.abs(ratio - 1) * 100;
  return `${share < 1 ? 'under 1' : Math.min(99, Math.round(share))} % ${ratio < 1 ? less : more}`;
}

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
