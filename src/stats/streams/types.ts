export interface Signal {
  drift: boolean;
  /** Of DDM alone: a change may be near. */
  warning: boolean;
}

/** A detector of change in a stream. After a drift the next update starts it afresh. */
export interface Detector {
  update(x: number): Signal;
  /** What the last update knew against "no change", on the scale of the threshold; -Infinity where it did not look. */
  readonly evidence: number;
}

export const quiet: Signal = Object.freeze({ drift: false, warning: false });
export const alarmed: Signal = Object.freeze({ drift: true, warning: false });
export const warned: Signal = Object.freeze({ drift: false, warning: true });

/** Evidence where a detector did not look. */
export const unseen = -Infinity;

export function checkValue(x: number): number {
  // Infinity - Infinity is NaN.
  if (x - x !== 0) throw new RangeError(`x must be a finite number, got ${x}`);
  return x;
}
