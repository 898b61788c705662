import { delong, mcnemar, pairedBootstrap, type BootstrapMetric, type PairedBootstrapResult } from '../stats';
import type { Evidence } from './decide';
import { isLabelMetric, type ArmRun } from './prepare';
import { beside, improvement, needsRatio, unanswered, type Question } from './question';

/** Row visits of the metrics that are recomputed in every resample: beyond it fewer resamples are drawn, and the record says how many. */
const rowVisits = 1e9;

/** Are these trained models different on this kind of data? Chance is in the test rows alone. */
export function compareArtifacts(
  question: Question,
  metric: BootstrapMetric,
  pairs: { a: ArmRun; b: ArmRun }[],
): { evidence: Evidence; a: ArmInterval; b: ArmInterval } {
  const { rows, plan } = question;
  const result = resample(question, metric, pairs);
  const arms = { a: armInterval(result.a), b: armInterval(result.b) };
  const { difference, low, high } = result;
  if (difference === undefined) return { evidence: unanswered(question, rows.n, `${metric} is undefined on these rows (0/0).`), ...arms };
  if (low === undefined || high === undefined) {
    const why = `${metric} is undefined (0/0) in ${result.undefinedReplicates} of ${result.resamples} resamples, too many for an interval.`;
    return { evidence: { ...unanswered(question, rows.n, why), difference }, ...arms };
  }
  const tested = test(question, metric, pairs, { low, high, method: result.method, pValue: result.pValue ?? null });
  const values = (side: 'a' | 'b'): number[] => pairs.map((pair) => pair[side].value(metric) ?? Number.NaN);
  const improved = improvement(question, values('a'), values('b'));
  const notes = [...tested.notes, ...improved.notes];
  if (pairs.length > 1) notes.push(`Averaged over ${pairs.length} seeds, conditional on these models.`);
  if (plan.question === 'algorithm' && metric === 'ece')
    notes.push('The calibration error has no influence values: rows are resampled, seeds are not.');
  if (rows.units !== null) notes.push(`Rows belong to ${rows.unitCount} units; units are resampled.`);
  if (result.undefinedReplicates > 0) notes.push(`${result.undefinedReplicates} resamples left the metric undefined and were left out.`);
  if (result.resamples < plan.resamples)
    notes.push(`${result.resamples} instead of ${plan.resamples} resamples, for the size of the data.`);
  const evidence: Evidence = {
    ...unanswered(question, rows.n, ''),
    difference,
    low: tested.low,
    high: tested.high,
    claim: 'artifact',
    method: tested.method,
    resamples: result.resamples,
    pValue: tested.pValue,
    probabilityOfImprovement: improved.probability,
    ...beside(question, difference, result.standardError ?? 0),
    ratio: needsRatio(question) ? result.ratio : null,
    notes,
  };
  return { evidence, ...arms };
}

export interface ArmInterval {
  estimate: number | null;
  low: number | null;
  high: number | null;
}

function armInterval({ estimate, low, high }: PairedBootstrapResult['a']): ArmInterval {
  return { estimate: estimate ?? null, low: low ?? null, high: high ?? null };
}

function resample(question: Question, metric: BootstrapMetric, pairs: { a: ArmRun; b: ArmRun }[]): PairedBootstrapResult {
  const { rows, plan, confidence, seed } = question;
  const recomputed = metric === 'auc_ovr' || metric === 'ece';
  const visits = rows.n * 2 * pairs.length * (metric === 'auc_ovr' ? rows.classes : 1);
  const resamples = recomputed ? Math.min(plan.resamples, Math.max(1000, Math.floor(rowVisits / visits))) : plan.resamples;
  return pairedBootstrap(
    {
      labels: rows.labels,
      predictionsA: pairs.map((pair) => pair.a.predictions),
      predictionsB: pairs.map((pair) => pair.b.predictions),
      ...(isLabelMetric(metric) ? {} : { scoresA: pairs.map((pair) => pair.a.scores), scoresB: pairs.map((pair) => pair.b.scores) }),
      classes: rows.classes,
      ...(rows.units === null ? {} : { units: rows.units }),
    },
    metric,
    { resamples, confidence, seed, method: 'bca' },
  );
}

interface Tested {
  low: number;
  high: number;
  method: string;
  pValue: number | null;
  notes: string[];
}

/** One model an arm on independent rows has an exact test for accuracy and DeLong's for AUC; else the p comes with the interval. */
function test(question: Question, metric: BootstrapMetric, pairs: { a: ArmRun; b: ArmRun }[], boot: Omit<Tested, 'notes'>): Tested {
  const { rows, confidence } = question;
  const fallback = { ...boot, notes: [] as string[] };
  if (rows.units !== null) return fallback;
  if (metric === 'accuracy') {
    const tables = pairs.map((pair) => discordance(rows.labels, pair.a.predictions, pair.b.predictions));
    const exact = tables.map((table) => mcnemar(table, { method: 'exact' }).pValue);
    const [only, onlyP] = [tables[0], exact[0]];
    if (pairs.length !== 1 || only === undefined || onlyP === undefined) {
      return { ...fallback, notes: [`Exact McNemar by seed: p = ${exact.map(shortP).join(', ')}.`] };
    }
    const midP = mcnemar(only, { method: 'mid-p' }).pValue;
    return { ...fallback, pValue: onlyP, notes: [`p by the exact McNemar test (mid-p ${shortP(midP)}).`] };
  }
  if (metric === 'auc_ovr' && rows.classes === 2) {
    const results = pairs.map(({ a, b }) => delong(rows.labels, positive(a.scores), positive(b.scores), { confidence }));
    const only = results[0];
    if (pairs.length !== 1 || only === undefined) {
      return { ...fallback, notes: [`DeLong by seed: p = ${results.map((result) => shortP(result.pValue)).join(', ')}.`] };
    }
    const minority = Math.min(count(rows.labels, 0), count(rows.labels, 1));
    const extreme = Math.max(only.aucA, only.aucB) > 0.99 || minority < 50;
    return extreme
      ? {
          ...fallback,
          pValue: only.pValue,
          notes: ["p by DeLong's test; interval by resampling, since an AUC exceeds 0.99 or a class has under 50 rows."],
        }
      : { low: only.low, high: only.high, method: 'delong', pValue: only.pValue, notes: [] };
  }
  return fallback;
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

function count(labels: Int32Array, label: number): number {
  return labels.reduce((sum, value) => sum + Number(value === label), 0);
}

const shortP = (p: number): string => (p < 1e-4 ? p.toExponential(1) : p.toFixed(4));
