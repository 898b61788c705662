import { checkCount, checkPositive } from '../arguments';
import { alarmed, type Detector, quiet, type Signal, unseen, warned } from './types';

const { sqrt } = Math;

export interface DdmOptions {
  /** Rows before the error rate is looked at, default 30. */
  warmStart?: number;
  /** Standard deviations above the least error rate, default 2. */
  warningThreshold?: number;
  /** Default 3. */
  driftThreshold?: number;
}

/** DDM (Gama et al. 2004): the error rate of a stream of hits (0) and errors (1) against the least that it was. Numbers as river's. */
export class Ddm implements Detector {
  evidence = unseen;
  private readonly warmStart: number;
  private readonly warningThreshold: number;
  private readonly driftThreshold: number;
  private n = 0;
  private rate = 0;
  private leastRate = 0;
  private leastDeviation = 0;
  private least = Infinity;
  private drifted = false;

  constructor(options: DdmOptions = {}) {
    this.warmStart = checkCount('warmStart', options.warmStart ?? 30);
    this.driftThreshold = options.driftThreshold ?? 3;
    if (!(this.driftThreshold > 0)) throw new RangeError(`driftThreshold must be positive, got ${this.driftThreshold}`);
    this.warningThreshold = checkPositive('warningThreshold', options.warningThreshold ?? 2);
  }

  update(x: number): Signal {
    if (x !== 0 && x !== 1) throw new RangeError(`x must be 0 (right) or 1 (wrong), got ${x}`);
    if (this.drifted) this.reset();
    this.n++;
    this.rate += (x - this.rate) / this.n;
    this.evidence = unseen;
    if (this.n <= this.warmStart) return quiet;
    const deviation = sqrt((this.rate * (1 - this.rate)) / this.n);
    const now = this.rate + deviation;
    if (now <= this.least) {
      this.leastRate = this.rate;
      this.leastDeviation = deviation;
      this.least = now;
    }
    this.evidence = now > this.leastRate ? (now - this.leastRate) / this.leastDeviation : 0;
    this.drifted = now > this.leastRate + this.driftThreshold * this.leastDeviation;
    const warning = now > this.leastRate + this.warningThreshold * this.leastDeviation;
    return this.drifted ? alarmed : warning ? warned : quiet;
  }

  private reset(): void {
    this.n = this.rate = this.leastRate = this.leastDeviation = 0;
    this.least = Infinity;
    this.drifted = false;
  }
}
