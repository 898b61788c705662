import type { RunView } from './experimentView';

/** Cells of a run that change from second to second; `assets/live.js` writes the same. */
export const cells = {
  step: ({ step, totalSteps }: Pick<RunView, 'step' | 'totalSteps'>): string =>
    step === null || (step === 0 && totalSteps === null)
      ? ''
      : `${grouped(step)}${totalSteps === null ? '' : ` of ${grouped(totalSteps)}`}`,
  loss: ({ loss }: Pick<RunView, 'loss'>): string => (loss === null ? '' : lossText(loss)),
  rate: ({ throughput }: Pick<RunView, 'throughput'>): string => (throughput === null ? '' : `${grouped(Math.round(throughput))}/s`),
  left: ({ secondsLeft }: Pick<RunView, 'secondsLeft'>): string => (secondsLeft === null || secondsLeft < 1 ? '' : spanOf(secondsLeft)),
};

/** Four digits, never more than nine signs: it stands beside a curve. */
export function lossText(loss: number): string {
  const rounded = Number(loss.toPrecision(4));
  const size = Math.abs(rounded);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? rounded.toExponential() : String(rounded);
}

export const grouped = (count: number): string => count.toLocaleString('en-US');

/** "40 s", "12 min", "3.4 h". */
export const spanOf = (seconds: number): string =>
  seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;

/** "07:12:33" */
export const clock = (iso: string): string => iso.slice(11, 19);
