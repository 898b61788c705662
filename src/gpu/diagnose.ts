import type { TelemetrySample } from '../contract';
import { isHeldDown, median } from './summary';
import type { Xid } from './types';
import { xidFinding } from './xid';

export interface Signs {
  /** Of the devices of the run, as far back as the steps go. */
  samples: readonly TelemetrySample[];
  /** Seconds of each step of the run, oldest first. */
  stepSeconds: readonly number[];
  /** The same of runs that should be as fast: other ranks, or other seeds of the variant on the same device model. */
  peers?: readonly (readonly number[])[];
  /** What `onLost` said. */
  lost?: string | null;
  /** XID errors of the run's devices since it began. */
  xids?: readonly Xid[];
}

export interface Diagnosis {
  kind: 'noise' | 'throttled' | 'lost' | 'xid' | 'straggler';
  sentence: string;
}

/**
 * Tells a device in trouble apart from noise, in this order:
 * - `lost`: telemetry says so. `xid`: the kernel log says so (an error of a program counts only where the run is slow too).
 * - `throttled`: a thermal or hardware reason in a tenth of the busy samples or more, and the median SM clock of those below 0.9 of
 *   the largest.
 * - `straggler`: slow without such a reason. Slow is the newest quarter of the steps (at most 64) against the steps before it, or all
 *   steps against those of the peers: the median at least 1.1 times as long, and the rank sum 3.5 standard deviations out.
 * - `noise`: all else, and fewer than 40 steps.
 * The medians give the size, unmoved by single long steps (a checkpoint); the ranks give the certainty whatever the distribution of
 * the steps is, where a limit in units of the MAD would fail for skewed times or for times of few distinct values. Independent steps without a
 * change give a false alarm in fewer than 0.1 % of the looks.
 */
export function diagnose({ samples, stepSeconds, peers = [], lost = null, xids = [] }: Signs): Diagnosis {
  if (lost !== null) return { kind: 'lost', sentence: lost };
  const slow = slowness(stepSeconds, peers);
  const serious = xids.map(xidFinding).find(({ aside }) => aside || slow !== null);
  if (serious) return { kind: 'xid', sentence: serious.sentence };
  const throttling = throttlingIn(samples);
  if (throttling !== null) return { kind: 'throttled', sentence: slow === null ? throttling : `${throttling}; ${slow}` };
  if (slow !== null) return { kind: 'straggler', sentence: `${slow}, and no device was held down or reported an error` };
  return { kind: 'noise', sentence: 'the steps differ no more than by chance' };
}

function slowness(own: readonly number[], peers: readonly (readonly number[])[]): string | null {
  const recent = Math.min(64, own.length >> 2);
  const [before, after] = [own.slice(0, own.length - recent), own.slice(own.length - recent)];
  if (own.length >= 40 && isSlower(after, before)) return `the last ${recent} steps take ${times(after, before)} as long as those before`;
  const others = peers.flat();
  if (own.length >= 40 && others.length >= 40 && isSlower(own, others))
    return `its steps take ${times(own, others)} as long as those of its peers`;
  return null;
}

function throttlingIn(samples: readonly TelemetrySample[]): string | null {
  // Where utilization is not reported (MIG), each sample may be a busy one.
  const busy = samples.filter(({ utilization }) => utilization === null || utilization > 0.1);
  const held = busy.filter(isHeldDown);
  if (held.length === 0 || held.length * 10 < busy.length) return null;
  const clock = median(held.flatMap(({ smClockMhz }) => smClockMhz ?? []));
  const full = median(held.flatMap(({ maxSmClockMhz }) => maxSmClockMhz ?? []));
  if (clock === null || full === null || clock >= 0.9 * full) return null;
  const reasons = [...new Set(held.flatMap(({ throttled }) => throttled))].join(', ');
  const share = Math.round((100 * held.length) / busy.length);
  return `the SM clock was held down to ${Math.round(clock)} of ${Math.round(full)} MHz in ${share} % of the samples (${reasons})`;
}

const times = (slower: readonly number[], faster: readonly number[]): string =>
  `${((median(slower) ?? 0) / (median(faster) ?? 1)).toFixed(2)} times`;

function isSlower(a: readonly number[], b: readonly number[]): boolean {
  return (median(a) ?? 0) >= 1.1 * (median(b) ?? 0) && rankSumZ(a, b) >= 3.5;
}

/** Standardised rank sum of `a` among `a` and `b`; ties share their rank. */
function rankSumZ(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, own: 1 })), ...b.map((value) => ({ value, own: 0 }))].toSorted((x, y) => x.value - y.value);
  const n = all.length;
  let ranks = 0;
  let ties = 0;
  for (let start = 0; start < n; ) {
    let end = start;
    let own = 0;
    while (end < n && all[end]?.value === all[start]?.value) own += all[end++]?.own ?? 0;
    const tied = end - start;
    ranks += (own * (start + 1 + end)) / 2;
    ties += tied ** 3 - tied;
    start = end;
  }
  const variance = ((a.length * b.length) / 12) * (n + 1 - ties / (n * (n - 1)));
  return variance > 0 ? (ranks - (a.length * (n + 1)) / 2) / Math.sqrt(variance) : 0;
}
