import type { SliceDifference } from '../../contract';
import { adjustPValues } from '../../stats';
import { direction } from '../wording';
import type { Frame } from './frame';
import { measure, testable, untested, type Measured } from './measure';
import type { Subject } from './subject';

export const falseDiscoveryRate = 0.1;

/** The slices of the plan; one whose rows are not known has none. */
export function sliceDifferences(subject: Subject, frame: Frame): SliceDifference[] {
  return judged(
    subject,
    frame.slices.map(({ name, where, rows }) => ({ name, where, measured: measureSlice(subject, rowsWhere(rows)) })),
  );
}

export function measureSlice(subject: Subject, picked: Int32Array): Measured {
  const measured = measure(subject, picked);
  return testable(measured) ? measured : untested(measured);
}

/** One family: p values adjusted by Benjamini-Hochberg. `size` counts conditions that were tried and not tested, each as p = 1. */
export function judged(
  subject: Subject,
  slices: readonly { name: string; where: string; measured: Measured }[],
  size = 0,
): SliceDifference[] {
  const p = slices.flatMap(({ measured }) => measured.pValue ?? []);
  const padding = new Array<number>(Math.max(0, size - p.length)).fill(1);
  const adjusted = adjustPValues([...p, ...padding], 'benjamini-hochberg').values();
  return slices.map(({ name, where, measured }) => {
    const adjustedPValue = measured.pValue === null ? null : (adjusted.next().value ?? null);
    return { name, where, ...measured, adjustedPValue, verdict: verdictOf(subject, measured, adjustedPValue) };
  });
}

export function rowsWhere(rows: Uint8Array | null, value = 1): Int32Array {
  if (rows === null) return new Int32Array(0);
  let count = 0;
  for (let i = 0; i < rows.length; i++) if (rows[i] === value) count++;
  const picked = new Int32Array(count);
  for (let i = 0, j = 0; i < rows.length; i++) if (rows[i] === value) picked[j++] = i;
  return picked;
}

function verdictOf(subject: Subject, measured: Measured, adjustedPValue: number | null): SliceDifference['verdict'] {
  if (!testable(measured)) return 'too-small';
  if (adjustedPValue === null || adjustedPValue > falseDiscoveryRate) return 'open';
  return (measured.difference ?? 0) * direction(subject.metric) > 0 ? 'better' : 'worse';
}
