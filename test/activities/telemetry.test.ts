// Proves, over recorded outputs of nvidia-smi: what is written of a run's devices, what an adopted run finds, and when devices are gone.
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readTelemetry, recordTelemetry } from '../../src/activities/telemetry';
import { openGpus } from '../../src/gpu';
import { until } from '../e2e/cluster';
import { changeable, masked, replayed, sampleAt } from '../gpu/helpers';

const rtx = 'GPU-00000000-0000-0000-0000-000000003090';
const folder = mkdtempSync(join(tmpdir(), 'assay-telemetry-'));
let count = 0;
const newFile = (): string => join(folder, `telemetry-${++count}.jsonl`);

afterAll(() => rmSync(folder, { recursive: true }));

it('a sample a line is written until it is stopped, and none after', async () => {
  const file = newFile();
  const recording = recordTelemetry(replayed('healthy'), [masked], file);
  await until(async () => (await readTelemetry(file)).length >= 3, 20_000);
  await recording.stop();
  const samples = await readTelemetry(file);
  expect(samples.slice(0, 2).map(({ uuid, utilization, powerWatts }) => [uuid, utilization, powerWatts])).toEqual([
    [masked, 0, 69.85],
    [masked, 1, 631.95],
  ]);
  expect([recording.lost, recording.troubles, recording.gone.aborted]).toEqual([[], [], false]);
  const length = readFileSync(file).length;
  expect(await readTelemetry(file)).toHaveLength(samples.length);
  expect(readFileSync(file)).toHaveLength(length);
});

it('without devices nothing is started or written', async () => {
  const file = newFile();
  await recordTelemetry(replayed('no-driver'), [], file).stop();
  expect(existsSync(file)).toBe(false);
  expect(await readTelemetry(file)).toEqual([]);
});

it('an adopted run goes on after what its former supervisor wrote, whose last line may be cut short', async () => {
  const file = newFile();
  const before = sampleAt(0, { uuid: masked });
  writeFileSync(file, `${JSON.stringify(before)}\n`);
  const recording = recordTelemetry(replayed('healthy'), [masked], file);
  await until(async () => (await readTelemetry(file)).length >= 2, 20_000);
  await recording.stop();
  appendFileSync(file, '{"timestamp":"2026-');
  const samples = await readTelemetry(file);
  expect(samples[0]).toEqual(before);
  expect(samples.length).toBeGreaterThan(1);
});

it('a device that is lost meanwhile is named, and is gone for good', async () => {
  const file = newFile();
  const recording = recordTelemetry(replayed('lost-in-run'), [rtx], file);
  await until(async () => recording.gone.aborted, 20_000);
  await recording.stop();
  expect(recording.lost).toEqual([{ device: rtx, why: 'the device is lost: restart the host' }]);
  expect(await readTelemetry(file)).toHaveLength(2);
});

it.each([
  ['lost', 'GPU-3e34e62f-d88e-f448-415e-be2cbf2c6178', /no longer answers the driver/],
  ['lost-only', masked, /the device is lost|no longer answers/],
  ['no-devices', masked, /finds no device/],
  ['healthy', 'GPU-elsewhere', /no such device/],
])('one that is missing from the start is gone: %s', async (recorded, uuid, why) => {
  const recording = recordTelemetry(replayed(recorded), [uuid], newFile());
  await until(async () => recording.gone.aborted, 20_000);
  expect(recording.lost).toEqual([{ device: uuid, why: expect.stringMatching(why) }]);
  await recording.stop();
});

it.each(['mismatch', 'no-driver', 'revoked'])('an nvidia-smi that tells nothing (%s) costs the samples, not the run', async (recorded) => {
  const recording = recordTelemetry(replayed(recorded), [masked], newFile());
  await until(async () => recording.troubles.length === 1, 20_000);
  expect([recording.lost, recording.gone.aborted]).toEqual([[], false]);
  await recording.stop();
});

it('an nvidia-smi that is not installed costs the samples, not the run', async () => {
  const gpus = openGpus({ command: ['/nonexistent/nvidia-smi'], kernelLog: [] });
  const recording = recordTelemetry(gpus, [masked], newFile());
  await until(async () => recording.troubles.length === 1, 20_000);
  expect(recording.troubles[0]).toMatch(/^no telemetry of GPU-0.*nvidia-smi is not installed here/);
  expect([recording.lost, recording.gone.aborted]).toEqual([[], false]);
  await recording.stop();
});

it('of two devices the one that is left is sampled on', async () => {
  const { dir, remove } = changeable('lost');
  const [well, lost] = ['GPU-67a571b1-79ee-1016-8ea3-c1fff3f1c1d2', 'GPU-3e34e62f-d88e-f448-415e-be2cbf2c6178'];
  const file = newFile();
  const recording = recordTelemetry(replayed(dir), [well, lost], file);
  await until(async () => recording.gone.aborted && (await readTelemetry(file)).length >= 2, 20_000);
  await recording.stop();
  expect(recording.lost.map(({ device }) => device)).toEqual([lost]);
  expect(new Set((await readTelemetry(file)).map(({ uuid }) => uuid))).toEqual(new Set([well]));
  remove();
});
