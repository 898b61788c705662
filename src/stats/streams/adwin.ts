import { checkCount, checkOpenProbability } from '../arguments';
import { alarmed, checkValue, type Detector, quiet, type Signal, unseen } from './types';

const { abs, sqrt } = Math;

export interface AdwinOptions {
  /** Confidence of a cut, default 0.002. Smaller: fewer false alarms, later detection. */
  delta?: number;
  /** Rows between two looks, default 32. */
  clock?: number;
  /** Buckets of each size before two are merged, default 5. */
  maxBuckets?: number;
  /** Shortest side of a cut, rows, default 5. */
  minWindowLength?: number;
  /** Rows before the first look, default 10. */
  gracePeriod?: number;
}

/**
 * ADWIN2 (Bifet & Gavaldà 2007): a window that is cut where the means of its two sides differ by more than chance allows. The window is an
 * exponential histogram: row r of buckets holds sums of 2^r values, so that a window of n values costs O(log n). Numbers as river's.
 */
export class Adwin implements Detector {
  /** ln(1/delta) up to which the last look would have been an alarm; below 0 for what no delta calls a change. */
  evidence = unseen;
  /** Values in the window. */
  width = 0;
  /** Their sum. */
  total = 0;
  /** Σ (x - mean)² over the window. */
  variance = 0;
  private readonly threshold: number;
  private readonly clock: number;
  private readonly maxBuckets: number;
  private readonly minWindowLength: number;
  private readonly gracePeriod: number;
  private rows: BucketRow[];
  private tick = 0;
  private drifted = false;

  constructor(options: AdwinOptions = {}) {
    this.threshold = -Math.log(checkOpenProbability('delta', options.delta ?? 0.002));
    this.clock = checkCount('clock', options.clock ?? 32, 1);
    this.maxBuckets = checkCount('maxBuckets', options.maxBuckets ?? 5, 2);
    this.minWindowLength = checkCount('minWindowLength', options.minWindowLength ?? 5, 1);
    this.gracePeriod = checkCount('gracePeriod', options.gracePeriod ?? 10);
    this.rows = [bucketRow(this.maxBuckets)];
  }

  update(x: number): Signal {
    checkValue(x);
    if (this.drifted) this.reset();
    this.insert(x);
    this.tick++;
    this.evidence = unseen;
    if (this.tick % this.clock !== 0 || this.width <= this.gracePeriod) return quiet;
    this.evidence = this.strongestCut();
    let strongest = this.evidence;
    while (strongest > this.threshold) {
      this.drifted = true;
      this.dropOldest();
      strongest = this.strongestCut();
    }
    return this.drifted ? alarmed : quiet;
  }

  private reset(): void {
    this.rows = [bucketRow(this.maxBuckets)];
    this.width = this.total = this.variance = this.tick = 0;
    this.drifted = false;
  }

  private insert(x: number): void {
    if (this.width > 0) this.variance += (this.width * (x - this.total / this.width) ** 2) / (this.width + 1);
    this.width++;
    this.total += x;
    push(this.rows[0]!, x, 0);
    for (let r = 0, size = 1; this.rows[r]!.count > this.maxBuckets; r++, size *= 2) {
      const row = this.rows[r]!;
      if (r + 1 === this.rows.length) this.rows.push(bucketRow(this.maxBuckets));
      const gap = (row.totals[0]! - row.totals[1]!) / size;
      push(this.rows[r + 1]!, row.totals[0]! + row.totals[1]!, row.variances[0]! + row.variances[1]! + (size * gap * gap) / 2);
      shift(row, 2);
    }
  }

  private dropOldest(): void {
    const row = this.rows[this.rows.length - 1]!;
    const size = 2 ** (this.rows.length - 1);
    const total = row.totals[0]!;
    const variance = row.variances[0]!;
    this.width -= size;
    this.total -= total;
    const gap = total / size - this.total / this.width;
    this.variance -= variance + (size * this.width * gap * gap) / (size + this.width);
    shift(row, 1);
    if (row.count === 0) this.rows.pop();
  }

  /**
   * The largest ln(1/delta) at which some cut still holds: |difference of means| = √(2 v L / m) + 2 L / (3 m) solved for L = ln(2 ln(n) / delta),
   * v the variance in the window and 1/m = 1/n0 + 1/n1, each side shortened by the least length less one.
   */
  private strongestCut(): number {
    const least = this.minWindowLength;
    const variance = this.variance > 0 ? this.variance / this.width : 0;
    let [n0, u0, strongest] = [0, 0, 0];
    for (let r = this.rows.length - 1; r >= 0; r--) {
      const { totals, count } = this.rows[r]!;
      const size = 2 ** r;
      for (let k = 0; k < count; k++) {
        n0 += size;
        u0 += totals[k]!;
        const n1 = this.width - n0;
        if (n0 < least || n1 < least) continue;
        const gap = abs(u0 / n0 - (this.total - u0) / n1);
        const reciprocal = 1 / (n0 - least + 1) + 1 / (n1 - least + 1);
        const root = sqrt(2 * reciprocal * variance);
        const slope = (2 / 3) * reciprocal;
        const rootL = (2 * gap) / (root + sqrt(root * root + 4 * slope * gap));
        if (rootL > strongest) strongest = rootL;
      }
    }
    return strongest === 0 ? unseen : strongest * strongest - Math.log(2 * Math.log(this.width));
  }
}

/** Oldest bucket first. */
interface BucketRow {
  totals: Float64Array;
  variances: Float64Array;
  count: number;
}

const bucketRow = (maxBuckets: number): BucketRow => ({
  totals: new Float64Array(maxBuckets + 1),
  variances: new Float64Array(maxBuckets + 1),
  count: 0,
});

function push(row: BucketRow, total: number, variance: number): void {
  row.totals[row.count] = total;
  row.variances[row.count++] = variance;
}

function shift(row: BucketRow, by: number): void {
  row.totals.copyWithin(0, by);
  row.variances.copyWithin(0, by);
  row.count -= by;
}
