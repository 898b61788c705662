import type { TelemetrySample, TelemetrySummary } from '../contract';
import { harmfulReasons } from './fields';

/** Over all samples of a run, of one or several devices, in any order. Gaps over 5 s are neither time nor energy of the run. */
export function summarise(samples: readonly TelemetrySample[]): TelemetrySummary {
  const spans = [...byDevice(samples).values()].map(spanOf);
  const deviceSeconds = sum(spans.map(({ seconds }) => seconds));
  const powers = known(samples, ({ powerWatts }) => powerWatts);
  const reasons: Record<string, number> = {};
  for (const { throttled } of samples) for (const reason of throttled) reasons[reason] = (reasons[reason] ?? 0) + 1;
  const utilizations = known(samples, ({ utilization }) => utilization);
  const busy = samples.filter(({ utilization }) => utilization !== null && utilization > 0.1);
  return {
    samples: samples.length,
    seconds: largest(spans.map(({ seconds }) => seconds)) ?? 0,
    utilization: utilizations.length === 0 ? null : sum(utilizations) / utilizations.length,
    peakMemoryBytes: largest(known(samples, ({ memoryBytes }) => memoryBytes)),
    smClockMhz: median(known(busy, ({ smClockMhz }) => smClockMhz)),
    energyJoules: powers.length === 0 ? null : sum(spans.map(({ joules }) => joules)),
    maxTemperatureCelsius: largest(known(samples, ({ temperatureCelsius }) => temperatureCelsius)),
    throttledShare: samples.length === 0 ? 0 : samples.filter(isHeldDown).length / samples.length,
    throttleReasons: reasons,
    gpuHours: deviceSeconds / 3600,
  };
}

/** Why times of these two runs cannot be compared, as a sentence, or null. Clocks that were not reported confound nothing. */
export function confounded(a: TelemetrySummary, b: TelemetrySummary): string | null {
  if (a.smClockMhz === null || b.smClockMhz === null) return null;
  const ratio = Math.min(a.smClockMhz, b.smClockMhz) / Math.max(a.smClockMhz, b.smClockMhz);
  const reasons = [...new Set([a, b].flatMap(({ throttleReasons }) => Object.keys(throttleReasons)))].filter((one) =>
    harmfulReasons.has(one),
  );
  if (!(ratio < 0.9) || reasons.length === 0) return null;
  const slower = a.smClockMhz < b.smClockMhz ? a : b;
  const share = Math.round(slower.throttledShare * 100);
  return `the SM clocks were ${Math.round(a.smClockMhz)} and ${Math.round(b.smClockMhz)} MHz, a ratio of ${ratio.toFixed(2)}, with ${reasons.join(', ')} (${share} % of the slower run's samples): the times are of the cooling or the power, not of the variants`;
}

export const isHeldDown = ({ throttled }: TelemetrySample): boolean => throttled.some((reason) => harmfulReasons.has(reason));

export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  const lower = sorted[middle - 1];
  if (upper === undefined) return null;
  return sorted.length % 2 === 1 || lower === undefined ? upper : (lower + upper) / 2;
}

function byDevice(samples: readonly TelemetrySample[]): Map<string, TelemetrySample[]> {
  const devices = new Map<string, TelemetrySample[]>();
  for (const sample of samples) {
    const own = devices.get(sample.uuid);
    if (own) own.push(sample);
    else devices.set(sample.uuid, [sample]);
  }
  return devices;
}

/** Time that samples of one device cover, and its energy by the trapezoidal rule. */
function spanOf(samples: readonly TelemetrySample[]): { seconds: number; joules: number } {
  const points = samples
    .map((sample) => ({ at: Date.parse(sample.timestamp) / 1000, watts: sample.powerWatts }))
    .toSorted((a, b) => a.at - b.at);
  let seconds = 0;
  let joules = 0;
  for (const [index, { at, watts }] of points.entries()) {
    const before = points[index - 1];
    if (!before || at - before.at > 5) continue;
    seconds += at - before.at;
    if (watts !== null && before.watts !== null) joules += ((watts + before.watts) / 2) * (at - before.at);
  }
  return { seconds, joules };
}

const known = (samples: readonly TelemetrySample[], of: (sample: TelemetrySample) => number | null): number[] =>
  samples.flatMap((sample) => of(sample) ?? []);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const largest = (values: readonly number[]): number | null => (values.length === 0 ? null : values.reduce((a, b) => Math.max(a, b)));
