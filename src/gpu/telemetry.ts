import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TelemetrySample } from '../contract';
import { notStarted } from './command';
import { type Row, rowsOf } from './csv';
import { lossIn } from './failures';
import { only, reasonFields, type Smi, throttledIn } from './fields';
import { list } from './inventory';
import { placeOf } from './text';
import type { TelemetryOptions } from './types';

/** Samples each device by a process of its own, so that a lost one silences no other. */
export async function telemetry(smi: Smi, uuids: readonly string[], options: TelemetryOptions): Promise<void> {
  if (uuids.length === 0) return;
  const { devices, absent } = await list(smi);
  if (absent !== null) {
    for (const uuid of uuids) options.onLost?.(uuid, absent);
    return;
  }
  const groups = new Map<string, string[]>();
  for (const uuid of uuids) {
    const place = placeOf(devices, uuid);
    if (place === null) options.onLost?.(uuid, 'this host has no such device');
    else groups.set(place.parent, [...(groups.get(place.parent) ?? []), uuid]);
  }
  await Promise.all([...groups].map(([parent, members]) => follow(smi, parent, members, options)));
}

const sampleFields: readonly string[] = [
  'timestamp',
  'uuid',
  'utilization.gpu',
  'memory.used',
  'clocks.current.sm',
  'clocks.max.sm',
  'power.draw',
  'temperature.gpu',
  ...reasonFields,
];

/** One device until it is lost or nobody wants to know more; nvidia-smi is started again whenever it dies or falls silent. */
async function follow(smi: Smi, parent: string, members: readonly string[], options: TelemetryOptions): Promise<void> {
  const { onSample, onLost, onTrouble, signal, everyMs = 1000 } = options;
  for (let failures = 0; !signal.aborted; ) {
    const ended = await stream(smi, parent, everyMs, signal, (row) => {
      failures = 0;
      for (const uuid of members) onSample(sampleOf(row, uuid, uuid !== parent));
    });
    if (signal.aborted) return;
    failures += 1;
    const lost = ended.lost ?? (failures >= failuresAllowed ? `nvidia-smi gives no samples of it: ${ended.why}` : null);
    if (lost !== null) {
      for (const uuid of members) onLost?.(uuid, lost);
      return;
    }
    onTrouble?.(`nvidia-smi is started again: ${ended.why}`);
    await sleep(Math.min(everyMs * 2 ** (failures - 1), 30_000), undefined, { signal }).catch(() => {});
  }
}

/** Five starts in a row without a single sample. */
const failuresAllowed = 5;

/** One life of nvidia-smi. `lost` where it says that the device is gone. */
async function stream(
  smi: Smi,
  parent: string,
  everyMs: number,
  signal: AbortSignal,
  onRow: (row: Row) => void,
): Promise<{ lost: string | null; why: string }> {
  // Asked once first: a stream cannot learn what this version calls its fields.
  const first = await smi.queryGpu(sampleFields, parent);
  const gone = first.losses.map(lossIn).find((sentence) => sentence !== null) ?? first.rows[0]?.loss() ?? null;
  if (gone !== null) return { lost: gone, why: gone };
  if (first.failed !== null) return { lost: null, why: first.failed };
  if (signal.aborted) return { lost: null, why: 'stopped' };

  const fields = smi.known(sampleFields);
  const [program = '', ...args] = smi.command;
  const child = spawn(program, [...args, ...only(parent), ...smi.queryArgs(fields), '-lms', String(everyMs)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  return new Promise((resolve) => {
    let last = '';
    const end = (lost: string | null, why: string) => {
      clearTimeout(silence);
      signal.removeEventListener('abort', stop);
      child.kill('SIGKILL');
      // It may hang in the driver and never close its end.
      child.unref();
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ lost, why });
    };
    const stop = () => end(null, 'stopped');
    const silenceMs = Math.max(10_000, 10 * everyMs);
    const silence = setTimeout(() => end(null, `it was silent for ${silenceMs / 1000} s`), silenceMs);
    const read = (line: string) => {
      if (line.trim() === '') return;
      last = line.trim();
      silence.refresh();
      try {
        const { rows, losses } = rowsOf([line], fields);
        const lost = losses.map(lossIn).find((sentence) => sentence !== null) ?? rows[0]?.loss() ?? null;
        if (lost !== null) end(lost, lost);
        else for (const row of rows) onRow(row);
      } catch (error) {
        end(null, error instanceof Error ? error.message : String(error));
      }
    };
    createInterface({ input: child.stdout }).on('line', read);
    createInterface({ input: child.stderr }).on('line', (line) => (last = line.trim() || last));
    child.on('error', (error) => end(null, notStarted(program, error)));
    child.on('close', (code) => end(lossIn(last), `it ended with code ${code}${last === '' ? '' : ` after: ${last}`}`));
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
  });
}

/** Of a MIG instance, only what its device shares with it: clocks, heat and their reasons. */
function sampleOf(row: Row, uuid: string, instance: boolean): TelemetrySample {
  const percent = instance ? null : row.number('utilization.gpu');
  return {
    timestamp: timeOf(row.text('timestamp')),
    uuid,
    utilization: percent === null ? null : percent / 100,
    memoryBytes: instance ? null : row.bytes('memory.used'),
    smClockMhz: row.number('clocks.current.sm'),
    maxSmClockMhz: row.number('clocks.max.sm'),
    powerWatts: instance ? null : row.number('power.draw'),
    temperatureCelsius: row.number('temperature.gpu'),
    throttled: throttledIn(row),
  };
}

/** nvidia-smi writes the host's local time; where that cannot be, the time at which the line came. */
function timeOf(text: string | null): string {
  const now = Date.now();
  const said = text === null ? Number.NaN : Date.parse(text.replaceAll('/', '-').replace(' ', 'T'));
  return new Date(Math.abs(said - now) <= 5000 ? said : now).toISOString();
}
