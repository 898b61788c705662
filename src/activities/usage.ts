import type { TelemetrySample, UsageSeries } from '../contract';
import { isHeldDown } from '../gpu/summary';

const mostPoints = 120;
/** As in the summary of telemetry: a longer silence is no time of the run. */
const longestGapMs = 5000;

/** What a run's telemetry (JSON lines) says over its time, thinned; null where no sample can be read. */
export function usageOf(lines: Buffer): UsageSeries | null {
  let total = 0;
  for (const { at } of placed(lines)) total = at;
  const parts = new Map<number, Part>();
  for (const { sample, at } of placed(lines)) {
    const index = total === 0 ? 0 : Math.min(mostPoints - 1, Math.floor((at / total) * mostPoints));
    const part = parts.get(index) ?? new Part();
    part.add(sample, at);
    parts.set(index, part);
  }
  if (parts.size === 0) return null;
  const points = [...parts.entries()].sort(([a], [b]) => a - b).map(([, part]) => part);
  const memory = memoryOf(points);
  return {
    seconds: points.map((point) => rounded(point.at.mean() ?? 0, 1)),
    memoryBytes: memory.map(whole),
    utilization: points.map((point) => rounded(point.utilization.mean(), 3)),
    smClockMhz: points.map((point) => whole(point.clock.mean())),
    temperatureCelsius: points.map((point) => rounded(point.temperature.mean(), 1)),
    powerWatts: points.map((point) => rounded(point.power.mean(), 1)),
    throttled: points.map((point) => rounded(point.throttled.mean() ?? 0, 3)),
  };
}

/** Samples in the order of the file, each with its seconds since the first. A line that cannot be read is left out. */
function* placed(lines: Buffer): Generator<{ sample: TelemetrySample; at: number }> {
  let before: number | null = null;
  let at = 0;
  for (let from = 0; from < lines.length; ) {
    const end = lines.indexOf(0x0a, from);
    const to = end === -1 ? lines.length : end;
    const sample = parsed(lines.toString('utf8', from, to));
    from = to + 1;
    const now = sample === null ? Number.NaN : Date.parse(sample.timestamp);
    if (sample === null || Number.isNaN(now)) continue;
    const gap = before === null ? 0 : now - before;
    // Devices of one host come in turns, so that a line may be a little older than the one before it.
    if (gap > 0 && gap <= longestGapMs) at += gap / 1000;
    if (gap >= 0 || gap < -longestGapMs) before = now;
    yield { sample, at };
  }
}

function parsed(line: string): TelemetrySample | null {
  try {
    const sample = JSON.parse(line) as TelemetrySample | null;
    return typeof sample?.timestamp === 'string' && Array.isArray(sample.throttled) ? sample : null;
  } catch {
    return null;
  }
}

class Mean {
  #sum = 0;
  #count = 0;

  add(value: number | null): void {
    if (value === null || !Number.isFinite(value)) return;
    this.#sum += value;
    this.#count += 1;
  }

  mean(): number | null {
    return this.#count === 0 ? null : this.#sum / this.#count;
  }
}

/** Samples of all devices that lie in one part of the time. */
class Part {
  readonly at = new Mean();
  readonly utilization = new Mean();
  readonly clock = new Mean();
  readonly temperature = new Mean();
  readonly power = new Mean();
  readonly throttled = new Mean();
  /** By device: memory is what they hold together. */
  readonly memory = new Map<string, Mean>();

  add(sample: TelemetrySample, at: number): void {
    this.at.add(at);
    this.utilization.add(sample.utilization);
    this.clock.add(sample.smClockMhz);
    this.temperature.add(sample.temperatureCelsius);
    this.power.add(sample.powerWatts);
    this.throttled.add(isHeldDown(sample) ? 1 : 0);
    const memory = this.memory.get(sample.uuid) ?? new Mean();
    memory.add(sample.memoryBytes);
    this.memory.set(sample.uuid, memory);
  }
}

/** What all devices hold together, part by part; one that is not in a part counts as it was before. Null where none has told yet. */
function memoryOf(parts: readonly Part[]): (number | null)[] {
  const last = new Map<string, number>();
  return parts.map(({ memory }) => {
    for (const [uuid, mean] of memory) {
      const now = mean.mean();
      if (now !== null) last.set(uuid, now);
    }
    return last.size === 0 ? null : [...last.values()].reduce((sum, value) => sum + value, 0);
  });
}

function rounded(value: number, digits: number): number;
function rounded(value: number | null, digits: number): number | null;
function rounded(value: number | null, digits: number): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}

const whole = (value: number | null): number | null => rounded(value, 0);
