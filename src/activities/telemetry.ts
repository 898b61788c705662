import { appendFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { TelemetrySample } from '../contract';
import type { Gpus } from '../gpu';

export interface LostDevice {
  device: string;
  why: string;
}

export interface Recording {
  /** Devices that are gone for good. */
  lost: LostDevice[];
  /** Aborts with the first of them. */
  gone: AbortSignal;
  /** What else kept samples away, a sentence each, e.g. a driver that nvidia-smi no longer fits: trainers go on under it. */
  troubles: string[];
  stop(): Promise<void>;
}

/** Samples the devices once a second into `file`, a line each, until stopped; an adopted run's file is continued. */
export function recordTelemetry(gpus: Gpus, uuids: string[], file: string): Recording {
  const over = new AbortController();
  const gone = new AbortController();
  const lost: LostDevice[] = [];
  const troubles: string[] = [];
  const running =
    uuids.length === 0
      ? Promise.resolve()
      : gpus.telemetry(uuids, {
          onSample: (sample) => appendFileSync(file, `${JSON.stringify(sample)}\n`),
          onLost: (device, why) => {
            if (!goneForGood.test(why)) {
              troubles.push(`no telemetry of ${device}: ${why}`);
              return;
            }
            lost.push({ device, why });
            gone.abort();
          },
          signal: over.signal,
        });
  running.catch((error: unknown) => troubles.push(`telemetry ended: ${error instanceof Error ? error.message : String(error)}`));
  return {
    ...{ lost, troubles, gone: gone.signal },
    async stop() {
      over.abort();
      await running.catch(() => undefined);
    },
  };
}

/** What an earlier attempt left stands before; a last line cut short is left out. */
export async function readTelemetry(file: string): Promise<TelemetrySample[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as TelemetrySample];
    } catch {
      return [];
    }
  });
}

/** How the gpu room begins its sentences on a device that answers no more; those on nvidia-smi itself begin otherwise. */
const goneForGood = /^the device |no such device|finds no device/;
