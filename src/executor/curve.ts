import type { CurvePoint } from '../contract';
import { curveOf } from './events';

/** Points of a curve that travels with a heartbeat: a few kilobytes. */
export const curvePoints = 100;

/** The curve of finished or restored events, thinned evenly. */
export const lossCurve = (events: Buffer | string): CurvePoint[] =>
  curveOf(events, curvePoints).map(({ step, loss }) => [step, rounded(loss)]);

/** A training curve while it grows: at most `curvePoints` points, about evenly far apart in steps, the first and the newest always there. */
export class GrowingCurve {
  #kept: CurvePoint[];
  #newest: CurvePoint | null;
  /** Steps between two kept points. */
  #gap = 1;

  constructor(earlier: readonly CurvePoint[] = []) {
    this.#kept = [...earlier];
    this.#newest = earlier.at(-1) ?? null;
    this.#thin();
  }

  /** A step that was seen before, e.g. of a trainer that repeats some, is left out. */
  add(step: number, loss: number | null): void {
    if (this.#newest !== null && step <= this.#newest[0]) return;
    this.#newest = [step, loss];
    const last = this.#kept.at(-1);
    if (last !== undefined && step - last[0] < this.#gap) return;
    this.#kept.push(this.#newest);
    this.#thin();
  }

  points(): CurvePoint[] {
    const all = this.#newest === null || this.#kept.at(-1) === this.#newest ? this.#kept : [...this.#kept, this.#newest];
    return all.map(([step, loss]) => [step, rounded(loss)]);
  }

  #thin(): void {
    // One place is the newest point's.
    while (this.#kept.length >= curvePoints) {
      this.#gap *= 2;
      let last = Number.NEGATIVE_INFINITY;
      this.#kept = this.#kept.filter(([step]) => {
        const far = step - last >= this.#gap;
        if (far) last = step;
        return far;
      });
    }
  }
}

/** Five digits say as much as a drawing shows. */
const rounded = (loss: number | null): number | null => (loss === null ? null : Number(loss.toPrecision(5)));
