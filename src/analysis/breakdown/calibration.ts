import type { Breakdown, CalibrationBin } from '../../contract';
import type { ArmRun } from '../prepare';
import { critical } from '../question';
import { runsOf, type Subject } from './subject';

/** As the calibration error has them: of equal width, the upper bound within. */
const bins = 15;

export function calibrationOf(subject: Subject): Breakdown['calibration'] {
  return { control: curve(subject, runsOf(subject, 'a')), variant: curve(subject, runsOf(subject, 'b')) };
}

function curve({ rows, confidence }: Subject, runs: readonly ArmRun[]): CalibrationBin[] {
  const [counts, scores, hits] = [new Float64Array(bins), new Float64Array(bins), new Float64Array(bins)];
  for (const run of runs) {
    for (let i = 0; i < rows.n; i++) {
      const prediction = run.predictions[i] as number;
      const score = run.scores[i * rows.classes + prediction] as number;
      const bin = Math.min(bins - 1, Math.max(0, Math.ceil(score * bins) - 1));
      counts[bin] = (counts[bin] as number) + 1;
      scores[bin] = (scores[bin] as number) + score;
      hits[bin] = (hits[bin] as number) + (prediction === rows.labels[i] ? 1 : 0);
    }
  }
  return Array.from(counts, (count, bin) => ({ count, bin })).flatMap(({ count, bin }) => {
    if (count === 0) return [];
    const accuracy = (hits[bin] as number) / count;
    const inBin = count / runs.length;
    return {
      from: bin / bins,
      to: (bin + 1) / bins,
      rows: inBin,
      confidence: (scores[bin] as number) / count,
      accuracy,
      ...wilson(accuracy, inBin, critical(confidence)),
    };
  });
}

/** The rows are an average over seeds and so no whole number, which `proportionInterval` wants. */
function wilson(share: number, n: number, z: number): { low: number; high: number } {
  const centre = share * n + (z * z) / 2;
  const half = z * Math.sqrt(n * share * (1 - share) + (z * z) / 4);
  const size = n + z * z;
  return { low: share === 0 ? 0 : Math.max(0, (centre - half) / size), high: share === 1 ? 1 : Math.min(1, (centre + half) / size) };
}
