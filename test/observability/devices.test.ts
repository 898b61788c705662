// Proves, with recorded answers of real devices: each device of a host is shown by its uuid, whether leased or not, with why it is held down.
import { setTimeout as sleep } from 'node:timers/promises';
import { serveGpuMetrics } from '../../src/activities';
import { metricsText, openMetrics } from '../../src/observability';
import { replayed } from '../gpu/helpers';
import { samplesOf, valueOf } from './samples';

const host = 'host-a';
const uuid = 'GPU-ee7954ec-da95-fd7a-ddfd-c6b32cc2f8aa';
const over = new AbortController();

beforeAll(() => openMetrics({ pool: 'gpu', version: '0', build: '0' }));
afterAll(() => over.abort());

test('a device that is held down shows its load, heat, power, and the seconds under each reason', async () => {
  serveGpuMetrics({ host, gpus: replayed('throttled'), signal: over.signal, sampleMs: 20 });
  let text = '';
  while (!(Number(valueOf(text, 'assay_gpu_throttled_seconds_total', { host, uuid, reason: 'hw_slowdown' })) > 0)) {
    await sleep(20);
    text = await metricsText();
  }
  expect(valueOf(text, 'assay_gpu_healthy', { host, uuid })).toBeLessThanOrEqual(1);
  for (const [name, unit] of [
    ['assay_gpu_utilization_ratio', 1],
    ['assay_gpu_memory_used_bytes', 1e12],
    ['assay_gpu_memory_size_bytes', 1e12],
    ['assay_gpu_temperature_celsius', 150],
    ['assay_gpu_power_watts', 2000],
    ['assay_gpu_clock_hertz', 1e10],
  ] as const) {
    const value = valueOf(text, name, { host, uuid });
    expect([name, value]).toEqual([name, expect.any(Number)]);
    expect(value).toBeLessThanOrEqual(unit);
  }
  expect(valueOf(text, 'assay_gpu_clock_hertz', { host, uuid })).toBeGreaterThan(1e6);
  expect(valueOf(text, 'assay_gpu_energy_joules_total', { host, uuid })).toBeGreaterThan(0);
  expect(samplesOf(text).find(({ name }) => name === 'assay_gpu_info')?.labels).toMatchObject({ host, uuid });
});
