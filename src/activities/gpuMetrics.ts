import type { Device, Inventory, TelemetrySample } from '../contract';
import { clearGauge, count, gauge, log, metricsOn, onScrape } from '../observability';
import type { Gpus } from '../gpu';

/** Samples every device of this host, leased or not, until `signal`, where this process serves metrics. */
export function serveGpuMetrics({
  host,
  gpus,
  signal,
  sampleMs = 5000,
}: {
  host: string;
  gpus: Gpus;
  signal: AbortSignal;
  sampleMs?: number;
}): void {
  if (!metricsOn()) return;
  let inventory: Inventory | null = null;
  let sampled = '';
  let over = new AbortController();
  const look = async (): Promise<void> => {
    inventory = await gpus.inventory();
    const uuids = inventory.devices.map(({ uuid }) => uuid);
    if (uuids.join() === sampled) return;
    // MIG was set up anew, or a device has gone or come.
    over.abort();
    over = new AbortController();
    sampled = uuids.join();
    const samples = sampler(host);
    await gpus.telemetry(uuids, {
      onSample: samples,
      onLost: (uuid) => count('assay_gpu_lost_total', { host, uuid }),
      everyMs: sampleMs,
      signal: AbortSignal.any([signal, over.signal]),
    });
  };
  const ask = (): void => void look().catch((error: unknown) => log.warn('the devices could not be looked at', { error }));
  ask();
  const timer = setInterval(ask, inventoryMs);
  timer.unref();
  signal.addEventListener('abort', () => clearInterval(timer));
  onScrape(() => {
    for (const name of ['assay_gpu_info', 'assay_gpu_healthy', 'assay_gpu_memory_size_bytes'] as const) clearGauge(name);
    for (const device of inventory?.devices ?? []) describe(host, device);
  });
}

function describe(host: string, { uuid, model, driver, memoryBytes, health }: Device): void {
  gauge('assay_gpu_info', { host, uuid, model, driver }, 1);
  gauge('assay_gpu_memory_size_bytes', { host, uuid }, memoryBytes);
  gauge('assay_gpu_healthy', { host, uuid }, healthOf[health.state]);
}

const healthOf = { healthy: 1, suspect: 0.5, faulty: 0 } as const;

/** Takes a device's samples in order; time and energy between two of them count to the first. */
function sampler(host: string): (sample: TelemetrySample) => void {
  const last = new Map<string, TelemetrySample>();
  return (sample) => {
    const { uuid } = sample;
    const set = (name: Parameters<typeof gauge>[0] & `assay_gpu_${string}`, value: number | null): void => {
      if (value !== null) gauge(name as 'assay_gpu_power_watts', { host, uuid }, value);
    };
    set('assay_gpu_utilization_ratio', sample.utilization);
    set('assay_gpu_memory_used_bytes', sample.memoryBytes);
    set('assay_gpu_temperature_celsius', sample.temperatureCelsius);
    set('assay_gpu_power_watts', sample.powerWatts);
    set('assay_gpu_clock_hertz', sample.smClockMhz === null ? null : sample.smClockMhz * 1e6);
    const before = last.get(uuid);
    last.set(uuid, sample);
    const seconds = before === undefined ? 0 : (Date.parse(sample.timestamp) - Date.parse(before.timestamp)) / 1000;
    // After a gap nobody knows what was in it.
    if (before === undefined || !(seconds > 0 && seconds < longestGapSeconds)) return;
    if (before.powerWatts !== null) count('assay_gpu_energy_joules_total', { host, uuid }, before.powerWatts * seconds);
    for (const reason of before.throttled) count('assay_gpu_throttled_seconds_total', { host, uuid, reason }, seconds);
  };
}

const longestGapSeconds = 60;
const inventoryMs = 60_000;
