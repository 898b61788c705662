import { pairedTTest } from '../stats';
import type { Evidence } from './decide';
import { pairRuns, type ArmRun } from './prepare';
import { beside, improvement, mean, needsRatio, unanswered, type Question } from './question';

/** What a run cost; null where the run does not tell. */
export function runValue(run: ArmRun, metric: string): number | null {
  const value = costs[metric]?.(run) ?? null;
  return value === null || !Number.isFinite(value) ? null : value;
}

const costs: Record<string, (run: ArmRun) => number | null | undefined> = {
  training_seconds: (run) => run.seconds,
  peak_memory: (run) => run.peakMemoryBytes,
  gpu_utilization: (run) => run.conduct?.telemetry?.utilization,
  gpu_hours: (run) => run.conduct?.telemetry?.gpuHours,
  energy: (run) => run.conduct?.telemetry?.energyJoules,
  data_stall: (run) => run.conduct?.dataStall,
};

/** What a training costs: paired by seed, Student's t over the seeds' differences. */
export function compareCosts(question: Question): Evidence {
  const { control, variant, metric, confidence } = question;
  const still = [control, variant].find((arm) => arm.pretrained);
  if (still !== undefined) return unanswered(question, 0, `${still.name} is already trained, so its training has no cost here.`);
  const pairs = pairRuns(control, variant).flatMap(({ a, b }) => {
    const [x, y] = [runValue(a, metric), runValue(b, metric)];
    return x === null || y === null ? [] : [{ a: x, b: y }];
  });
  if (pairs.length === 0) return unanswered(question, 0, `No pair of runs tells its ${metric}.`);
  const a = pairs.map((pair) => pair.a);
  const b = pairs.map((pair) => pair.b);
  const base: Evidence = {
    ...unanswered(question, pairs.length, ''),
    difference: mean(b) - mean(a),
    claim: pairs.length >= 2 ? 'algorithm' : 'artifact',
    method: 'paired-t',
  };
  if (pairs.length < 2) return { ...base, method: 'none', notes: ['One pair of runs has no interval; two or more seeds have.'] };
  const test = pairedTTest(b, a, { confidence });
  const { probability, notes } = improvement(question, a, b);
  return {
    ...base,
    low: test.low,
    high: test.high,
    pValue: test.pValue,
    probabilityOfImprovement: probability,
    ...beside(question, test.difference, test.standardError, test.df),
    ratio: needsRatio(question) ? ratioOf(a, b, confidence) : null,
    notes,
  };
}

/** Ratio of geometric means, by t on the logarithms. */
function ratioOf(a: number[], b: number[], confidence: number): Evidence['ratio'] {
  if ([...a, ...b].some((value) => !(value > 0))) return null;
  const log = pairedTTest(b.map(Math.log), a.map(Math.log), { confidence });
  return { estimate: Math.exp(log.difference), low: Math.exp(log.low), high: Math.exp(log.high) };
}
