import type { TelemetrySample } from '../../src/contract';
import { openGpus, summarise } from '../../src/gpu';
import { masked, replayed } from './helpers';

test('each sample has what the device reports', async () => {
  const samples = await collect('healthy', [masked], 3);
  expect(samples[0]).toMatchObject({
    uuid: masked,
    utilization: 0,
    memoryBytes: 0,
    smClockMhz: 345,
    powerWatts: 69.85,
    temperatureCelsius: 41,
  });
  expect(samples[1]).toMatchObject({
    utilization: 1,
    memoryBytes: 19818 * 2 ** 20,
    smClockMhz: 1980,
    maxSmClockMhz: 1980,
    powerWatts: 631.95,
    throttled: [],
  });
  // The recorded time is long ago: the time at which a line came stands for it.
  for (const { timestamp } of samples) expect(Math.abs(Date.parse(timestamp) - Date.now())).toBeLessThan(60_000);
});

test('reasons are told under their new names by old drivers too', async () => {
  const uuid = 'GPU-00000000-0000-0000-0000-000000000330';
  const [sample] = await collect('hot', [uuid], 1);
  expect(sample).toMatchObject({ uuid, throttled: ['sw_thermal_slowdown'], smClockMhz: null, powerWatts: null, temperatureCelsius: 67 });
});

test('a device held down by the hardware is summarised so', async () => {
  const samples = await collect('throttled', ['GPU-ee7954ec-da95-fd7a-ddfd-c6b32cc2f8aa'], 3);
  expect(summarise(samples)).toMatchObject({ throttledShare: 1, throttleReasons: { hw_slowdown: 3, hw_power_brake_slowdown: 3 } });
});

test('of a MIG instance only what its device shares is told', async () => {
  const uuids = ['MIG-00000000-0000-0000-0000-000000000000', 'MIG-00000002-0000-0000-0000-000000000002'];
  const samples = await collect('mig', uuids, 2);
  expect(samples.map(({ uuid }) => uuid)).toEqual(uuids);
  expect(samples[0]).toMatchObject({ utilization: null, memoryBytes: null, powerWatts: null, smClockMhz: 1980, temperatureCelsius: 53 });
});

test('nvidia-smi is started again when it dies', async () => {
  const troubles: string[] = [];
  const samples = await collect('healthy', [masked], 5, { words: ['--dies-after=2'], onTrouble: (sentence) => troubles.push(sentence) });
  expect(samples).toHaveLength(5);
  expect(troubles.length).toBeGreaterThanOrEqual(2);
  expect(troubles[0]).toMatch(/^nvidia-smi is started again: it ended with code 1/);
});

test('a device that is lost in the run is reported once and sampled no more', async () => {
  const samples: TelemetrySample[] = [];
  const lost: string[][] = [];
  await replayed('lost-in-run').telemetry(['GPU-00000000-0000-0000-0000-000000003090'], {
    onSample: (sample) => samples.push(sample),
    onLost: (...what) => lost.push(what),
    everyMs: 10,
    signal: new AbortController().signal,
  });
  expect(samples.map(({ powerWatts }) => powerWatts)).toEqual([297.4, 298.6]);
  expect(lost).toEqual([['GPU-00000000-0000-0000-0000-000000003090', 'the device is lost: restart the host']]);
});

test('a lost device silences no other', async () => {
  const controller = new AbortController();
  const [good, bad] = ['GPU-67a571b1-79ee-1016-8ea3-c1fff3f1c1d2', 'GPU-3e34e62f-d88e-f448-415e-be2cbf2c6178'];
  const lost: string[] = [];
  const seen = new Set<string>();
  const done = () => {
    if (lost.length > 0 && seen.size > 0) controller.abort();
  };
  await replayed('lost').telemetry([good, bad], {
    onSample: ({ uuid }) => {
      seen.add(uuid);
      done();
    },
    onLost: (uuid) => {
      lost.push(uuid);
      done();
    },
    everyMs: 10,
    signal: controller.signal,
  });
  expect([[...seen], lost]).toEqual([[good], [bad]]);
});

test('without a driver every device is reported with the reason, and the run can go on', async () => {
  const lost: string[] = [];
  const gpus = openGpus({ command: ['/nonexistent/nvidia-smi'] });
  await gpus.telemetry(['GPU-a'], { onSample: () => {}, onLost: (_, why) => lost.push(why), signal: new AbortController().signal });
  expect(lost).toEqual([expect.stringContaining('is not installed here')]);
});

/** The first `count` samples, ten milliseconds apart. */
async function collect(
  name: string,
  uuids: string[],
  count: number,
  options: { words?: string[]; onTrouble?: (sentence: string) => void } = {},
): Promise<TelemetrySample[]> {
  const controller = new AbortController();
  const samples: TelemetrySample[] = [];
  const { words = [], onTrouble = () => {} } = options;
  await replayed(name, { words }).telemetry(uuids, {
    onSample: (sample) => {
      if (samples.length < count) samples.push(sample);
      if (samples.length >= count) controller.abort();
    },
    onLost: (uuid, why) => {
      throw new Error(`${uuid}: ${why}`);
    },
    onTrouble,
    everyMs: 10,
    signal: controller.signal,
  });
  return samples;
}
