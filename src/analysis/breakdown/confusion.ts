import type { ConfusionDifference } from '../../contract';
import type { ArmRun } from '../prepare';
import { runsOf, type Subject } from './subject';

const mostCells = 200;

export function confusionDifference(subject: Subject, classes: readonly string[]): ConfusionDifference {
  const [a, b] = [runsOf(subject, 'a'), runsOf(subject, 'b')];
  if (a.length === 0 || b.length === 0) return { cells: [], differing: 0 };
  const [ofA, ofB] = [cellCounts(subject, a), cellCounts(subject, b)];
  const differing = [...new Set([...ofA.keys(), ...ofB.keys()])]
    // Whole numbers, since thirds of rows are equal only on paper.
    .map((cell) => ({ cell, gap: (ofB.get(cell) ?? 0) * a.length - (ofA.get(cell) ?? 0) * b.length }))
    .filter(({ gap }) => gap !== 0)
    .sort((x, y) => Math.abs(y.gap) - Math.abs(x.gap) || x.cell - y.cell);
  const name = (c: number): string => classes[c] as string;
  return {
    cells: differing.slice(0, mostCells).map(({ cell }) => ({
      label: name(Math.floor(cell / classes.length)),
      prediction: name(cell % classes.length),
      control: (ofA.get(cell) ?? 0) / a.length,
      variant: (ofB.get(cell) ?? 0) / b.length,
    })),
    differing: differing.length,
  };
}

/** By label * classes + prediction, over all runs; only cells that hold rows, since a thousand classes have a million cells. */
function cellCounts({ rows }: Subject, runs: readonly ArmRun[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { predictions } of runs) {
    for (let i = 0; i < rows.n; i++) {
      const cell = (rows.labels[i] as number) * rows.classes + (predictions[i] as number);
      counts.set(cell, (counts.get(cell) ?? 0) + 1);
    }
  }
  return counts;
}
