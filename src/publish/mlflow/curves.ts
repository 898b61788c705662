import { StringDecoder } from 'node:string_decoder';
import type { Ref, TelemetrySample } from '../../contract';
import type { Store } from '../../store';
import { namesFor } from './names';

/** One number as `runs/log-batch` takes it; the texts are those that JSON has no number for. */
export interface Metric {
  key: string;
  value: number | 'NaN' | 'Infinity' | '-Infinity';
  /** Milliseconds. */
  timestamp: number;
  step: number;
}

export const metricOf = (key: string, value: number, timestamp: number, step: number): Metric => ({
  ...{ key, timestamp, step },
  value: Number.isFinite(value) ? value : (String(value) as 'NaN'),
});

/** A curve of up to so many points is whole, one beyond is thinned evenly to at least half as many. */
const mostPoints = 20_000;
const mostSamples = 2000;
const mostNames = 50;

interface Point {
  step: number;
  at: number | null;
  values: [string, number][];
}

/** Every number of a run's `step` and `epoch` events, with its step and time. */
export async function trainingCurves(store: Store, events: Ref, startedAt: number): Promise<Metric[]> {
  const names = new Set<string>();
  const points = new Thinned<Point>(mostPoints);
  const epochs = new Thinned<Point>(mostPoints);
  for await (const event of linesOf(store, events)) {
    const { type, step, timestamp } = event;
    if ((type !== 'step' && type !== 'epoch') || !Number.isSafeInteger(step)) continue;
    const values = numbersOf(event).flatMap(([name, value]): [string, number][] => {
      const key = type === 'epoch' ? `epoch/${name}` : name;
      if (names.size < mostNames) names.add(key);
      return names.has(key) ? [[key, value]] : [];
    });
    (type === 'step' ? points : epochs).add({ step: step as number, at: timeOf(timestamp), values });
  }
  const known = namesFor(names);
  return [...points.all(), ...epochs.all()].flatMap(({ step, at, values }) =>
    values.map(([name, value]) => metricOf(known.get(name) ?? name, value, at ?? startedAt, step)),
  );
}

/** The devices' telemetry under MLflow's names for system metrics. */
export async function systemMetrics(store: Store, telemetry: Ref): Promise<Metric[]> {
  const devices = new Map<string, { index: number; seen: number; samples: Thinned<{ sample: TelemetrySample; n: number }> }>();
  for await (const line of linesOf(store, telemetry)) {
    const sample = line as unknown as TelemetrySample;
    if (typeof sample.uuid !== 'string') continue;
    const device = devices.get(sample.uuid) ?? { index: devices.size, seen: 0, samples: new Thinned(mostSamples) };
    devices.set(sample.uuid, device);
    device.samples.add({ sample, n: device.seen++ });
  }
  return [...devices.values()].flatMap(({ index, samples }) =>
    samples.all().flatMap(({ sample, n }) => {
      const at = timeOf(sample.timestamp);
      if (at === null) return [];
      const values: [string, number | null][] = [
        ['utilization_percentage', sample.utilization === null ? null : sample.utilization * 100],
        ['memory_usage_megabytes', sample.memoryBytes === null ? null : sample.memoryBytes / 1e6],
        ['power_usage_watts', sample.powerWatts],
        ['temperature_celsius', sample.temperatureCelsius],
        ['sm_clock_mhz', sample.smClockMhz],
      ];
      return values.flatMap(([name, value]) => (typeof value === 'number' ? [metricOf(`system/gpu_${index}_${name}`, value, at, n)] : []));
    }),
  );
}

/** Time of the first and the last event with one, milliseconds; null where none has. */
export function spanOf(metrics: readonly Metric[]): { start: number; end: number } | null {
  let [start, end] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { timestamp } of metrics) {
    start = Math.min(start, timestamp);
    end = Math.max(end, timestamp);
  }
  return end === Number.NEGATIVE_INFINITY ? null : { start, end };
}

const notMetrics = new Set(['step', 'timestamp', 'epoch']);

/** What a trainer left out of an event as no finite number, it named. */
function numbersOf(event: Record<string, unknown>): [string, number][] {
  const lost = Array.isArray(event.not_finite) ? event.not_finite.filter((name) => typeof name === 'string') : [];
  return [
    ...Object.entries(event).filter((entry): entry is [string, number] => typeof entry[1] === 'number' && !notMetrics.has(entry[0])),
    ...lost.map((name): [string, number] => [name, Number.NaN]),
  ];
}

const timeOf = (text: unknown): number | null => {
  const at = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : at;
};

/** The lines of a stored object that hold a JSON object; Python writes NaN and Infinity into JSON. */
async function* linesOf(store: Store, ref: Ref): AsyncGenerator<Record<string, unknown>> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  // readline would end in silence where the stream breaks.
  for await (const chunk of (await store.stream(ref)) as AsyncIterable<Buffer>) {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const value = parsed(line);
      if (value !== null) yield value;
    }
  }
  const value = parsed(rest);
  if (value !== null) yield value;
}

function parsed(line: string): Record<string, unknown> | null {
  const read = (text: string): unknown => JSON.parse(text, (_, value: unknown) => (value === notANumber ? Number.NaN : value));
  let value: unknown;
  try {
    value = read(line);
  } catch {
    try {
      value = read(line.replace(/(?<=[:[,]\s*)-?(?:NaN|Infinity)(?=\s*[,}\]])/g, JSON.stringify(notANumber)));
    } catch {
      return null;
    }
  }
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
}

const notANumber = '\u0000NaN';

/** Every n-th of what is added, the first and the last among them; n doubles whenever there would be too many. */
class Thinned<T> {
  private kept: T[] = [];
  private last: { item: T; kept: boolean } | null = null;
  private every = 1;
  private seen = 0;
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  add(item: T): void {
    const keep = this.seen++ % this.every === 0;
    this.last = { item, kept: keep };
    if (!keep) return;
    if (this.kept.length === this.most) {
      this.kept = this.kept.filter((_, i) => i % 2 === 0);
      this.every *= 2;
      this.last.kept = (this.seen - 1) % this.every === 0;
      if (!this.last.kept) return;
    }
    this.kept.push(item);
  }

  all(): T[] {
    return this.last === null || this.last.kept ? this.kept : [...this.kept, this.last.item];
  }
}
