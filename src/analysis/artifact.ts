import { delong, mcnemar, type BootstrapMetric } from '../stats';
import type { Evidence } from './decide';
import { drawAlone, type ArmInterval, type Bootstrap, type Drawn } from './drawn';
import type { ArmRun } from './prepare';
import { byInfluence, isResampled, minority } from './influence';
import { beside, improvement, needsRatio, unanswered, type Question } from './question';

export type { ArmInterval } from './drawn';

/** Are these trained models different on this kind of data? Chance is in the test rows alone. */
export function compareArtifacts(
  question: Question,
  metric: BootstrapMetric,
  pairs: { a: ArmRun; b: ArmRun }[],
  bootstrap: Bootstrap,
): { evidence: Evidence; a: ArmInterval; b: ArmInterval } {
  const { rows, plan, variant, family } = question;
  const arms = [pairs.map(({ a }) => a), pairs.map(({ b }) => b)];
  const drawn =
    family?.drawn.get(variant.name) ??
    (isResampled(metric, rows.units)
      ? drawAlone({ ...question, metric, arms, bootstrap }, question.confidence, needsRatio(question))
      : byInfluence(metric, rows, pairs, question.confidence, needsRatio(question)));
  const { difference, low, high, a, b } = drawn;
  const asked = { ...question, confidence: drawn.confidence };
  if (difference === undefined) return { evidence: unanswered(asked, rows.n, `${metric} is undefined on these rows (0/0).`), a, b };
  if (low === undefined || high === undefined) {
    const why =
      drawn.why !== undefined
        ? `${metric} has no interval: ${drawn.why}`
        : drawn.resamples === null
          ? `${metric} has no interval: one of the classes has a single row.`
          : `${metric} is undefined (0/0) in ${drawn.undefinedReplicates} of ${drawn.resamples} resamples, too many for an interval.`;
    return { evidence: { ...unanswered(asked, rows.n, why), difference, resamples: drawn.resamples }, a, b };
  }
  const tested = test(question, metric, pairs, { ...drawn, low, high });
  const values = (side: 'a' | 'b'): number[] => pairs.map((pair) => pair[side].value(metric) ?? Number.NaN);
  const improved = improvement(question, values('a'), values('b'));
  const notes = [...tested.notes, ...improved.notes];
  if (pairs.length > 1) notes.push(`Averaged over ${pairs.length} seeds, conditional on these models.`);
  if (plan.question === 'algorithm' && metric === 'ece')
    notes.push('The calibration error has no influence values: rows are resampled, seeds are not.');
  if (rows.units !== null) notes.push(`Rows belong to ${rows.unitCount} units; units are resampled.`);
  if (drawn.undefinedReplicates > 0) notes.push(`${drawn.undefinedReplicates} resamples left the metric undefined and were left out.`);
  if (drawn.method === 'percentile' && drawn.resamples === null) notes.push('The bootstrap of infinitely many resamples, in closed form.');
  if (drawn.resamples !== null && drawn.resamples < plan.resamples)
    notes.push(`${drawn.resamples} instead of ${plan.resamples} resamples, for the size of the data.`);
  const evidence: Evidence = {
    ...unanswered({ ...question, confidence: tested.confidence }, rows.n, ''),
    difference,
    low: tested.low,
    high: tested.high,
    claim: 'artifact',
    method: tested.method,
    resamples: drawn.resamples,
    pValue: tested.pValue,
    adjustedPValue: tested.adjustedPValue,
    probabilityOfImprovement: improved.probability,
    ...beside({ ...question, confidence: tested.confidence }, difference, tested.standardError),
    ratio: needsRatio(question) ? drawn.ratio : null,
    pairs: pairs.length,
    notes,
  };
  return { evidence, a, b };
}

function delongOf({ rows, confidence }: Question, { a, b }: { a: ArmRun; b: ArmRun }): ReturnType<typeof delong> {
  return delong(rows.labels, positive(a.scores), positive(b.scores), { confidence });
}

interface Tested {
  low: number;
  high: number;
  confidence: number;
  method: string;
  standardError: number;
  pValue: number | null;
  adjustedPValue: number | null;
  notes: string[];
}

/** One model an arm on independent rows has an exact test for accuracy and DeLong's for AUC; else the p comes with the interval. */
function test(
  question: Question,
  metric: BootstrapMetric,
  pairs: { a: ArmRun; b: ArmRun }[],
  drawn: Drawn & { low: number; high: number },
): Tested {
  const { low, high, confidence, method } = drawn;
  const known = { low, high, confidence, method, standardError: drawn.standardError ?? 0 };
  const fallback: Tested = { ...known, pValue: drawn.pValue ?? null, adjustedPValue: drawn.adjustedPValue ?? null, notes: [] };
  if (question.rows.units !== null) return fallback;
  if (metric === 'accuracy') return mcnemarTest(question, pairs, fallback);
  // With one row of a class its placements have no variance.
  const twoClasses = metric === 'auc_ovr' && question.rows.classes === 2 && minority(question.rows) > 1;
  return twoClasses ? delongTest(question, pairs, fallback) : fallback;
}

function mcnemarTest({ rows, family }: Question, pairs: { a: ArmRun; b: ArmRun }[], fallback: Tested): Tested {
  const tables = pairs.map((pair) => discordance(rows.labels, pair.a.predictions, pair.b.predictions));
  const exact = tables.map((table) => mcnemar(table, { method: 'exact' }).pValue);
  const [only, pValue] = [tables[0], exact[0]];
  if (pairs.length !== 1 || only === undefined || pValue === undefined) {
    return { ...fallback, notes: [`Exact McNemar by seed: p = ${exact.map(shortP).join(', ')}.`] };
  }
  const midP = mcnemar(only, { method: 'mid-p' }).pValue;
  const notes = [`p by the exact McNemar test (mid-p ${shortP(midP)}).`];
  return { ...fallback, pValue, adjustedPValue: family?.adjust?.(pValue) ?? null, notes };
}

function delongTest(question: Question, pairs: { a: ArmRun; b: ArmRun }[], fallback: Tested): Tested {
  const { confidence, family } = question;
  const results = pairs.map((pair) => delongOf(question, pair));
  const only = results[0];
  if (pairs.length !== 1 || only === undefined) {
    return { ...fallback, notes: [`DeLong by seed: p = ${results.map((result) => shortP(result.pValue)).join(', ')}.`] };
  }
  const { low, high, pValue, variance } = only;
  const adjustedPValue = family?.adjust?.(pValue) ?? null;
  return { low, high, confidence, method: 'delong', standardError: Math.sqrt(variance), pValue, adjustedPValue, notes: [] };
}

/** [[both right, only A right], [only B right, both wrong]] */
function discordance(labels: Int32Array, a: Int32Array, b: Int32Array): [[number, number], [number, number]] {
  const table: [[number, number], [number, number]] = [
    [0, 0],
    [0, 0],
  ];
  for (let i = 0; i < labels.length; i++) {
    const row = table[a[i] === labels[i] ? 0 : 1];
    row[b[i] === labels[i] ? 0 : 1] += 1;
  }
  return table;
}

function positive(scores: Float64Array): Float64Array {
  return Float64Array.from({ length: scores.length / 2 }, (_, row) => scores[2 * row + 1] as number);
}

const shortP = (p: number): string => (p < 1e-4 ? p.toExponential(1) : p.toFixed(4));
