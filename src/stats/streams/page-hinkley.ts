import { checkCount, checkOneOf } from '../arguments';
import { alarmed, checkValue, type Detector, quiet, type Signal, unseen } from './types';

export interface PageHinkleyOptions {
  /** Rows before an alarm can come, default 30. */
  minInstances?: number;
  /** Change of the mean that is let pass, in the values' unit, default 0.005. */
  delta?: number;
  /** Alarm above it, in the values' unit, default 50. */
  threshold?: number;
  /** Forgetting of the sums, default 0.9999; 1 is Page's own form. */
  alpha?: number;
  /** Default both. */
  mode?: 'up' | 'down' | 'both';
}

/** Page-Hinkley (Page 1954): cumulative deviations from the running mean, against their least (greatest) value so far. Numbers as river's. */
export class PageHinkley implements Detector {
  evidence = unseen;
  private readonly minInstances: number;
  private readonly delta: number;
  private readonly threshold: number;
  private readonly alpha: number;
  private readonly mode: 'up' | 'down' | 'both';
  private n = 0;
  private mean = 0;
  private rise = 0;
  private fall = 0;
  private leastRise = Infinity;
  private greatestFall = -1;
  private drifted = false;

  constructor(options: PageHinkleyOptions = {}) {
    this.minInstances = checkCount('minInstances', options.minInstances ?? 30);
    this.delta = options.delta ?? 0.005;
    this.threshold = options.threshold ?? 50;
    this.alpha = options.alpha ?? 0.9999;
    if (!(this.delta >= 0)) throw new RangeError(`delta must be at least 0, got ${this.delta}`);
    if (!(this.threshold > 0)) throw new RangeError(`threshold must be positive, got ${this.threshold}`);
    if (!(this.alpha > 0 && this.alpha <= 1)) throw new RangeError(`alpha must be above 0 and at most 1, got ${this.alpha}`);
    this.mode = checkOneOf('mode', options.mode ?? 'both', ['up', 'down', 'both']);
  }

  update(x: number): Signal {
    checkValue(x);
    if (this.drifted) this.reset();
    this.n++;
    this.mean += (x - this.mean) / this.n;
    const deviation = x - this.mean;
    this.rise = this.alpha * this.rise + deviation - this.delta;
    this.fall = this.alpha * this.fall + deviation + this.delta;
    if (this.rise < this.leastRise) this.leastRise = this.rise;
    if (this.fall > this.greatestFall) this.greatestFall = this.fall;
    const up = this.mode === 'down' ? 0 : this.rise - this.leastRise;
    const down = this.mode === 'up' ? 0 : this.greatestFall - this.fall;
    this.evidence = this.n < this.minInstances ? unseen : up > down ? up : down;
    this.drifted = this.evidence > this.threshold;
    return this.drifted ? alarmed : quiet;
  }

  private reset(): void {
    this.n = this.mean = this.rise = this.fall = 0;
    this.leastRise = Infinity;
    this.greatestFall = -1;
    this.drifted = false;
  }
}
