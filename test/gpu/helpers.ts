import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TelemetrySample } from '../../src/contract';
import { type Gpus, type GpusOptions, openGpus } from '../../src/gpu';

const folder = (name: string): string => (name.startsWith('/') ? name : join(__dirname, 'recorded', name));
const replay = join(__dirname, 'replay.mjs');

/** The recorded outputs of a case, or those of a folder. Its kernel log is the recorded one. */
export function replayed(name: string, options: GpusOptions & { words?: readonly string[] } = {}): Gpus {
  const { words = [], ...rest } = options;
  return openGpus({
    command: [process.execPath, replay, ...words, folder(name)],
    kernelLog: [[process.execPath, replay, '--kernel', folder(name)]],
    ...rest,
  });
}

/** A copy of a case that a test may change while it is replayed. */
export function changeable(name: string): { dir: string; remove: () => void } {
  const dir = mkdtempSync(join(tmpdir(), 'assay-gpu-'));
  cpSync(folder(name), dir, { recursive: true });
  return { dir, remove: () => rmSync(dir, { recursive: true }) };
}

/** A device at work without a fault, `at` seconds after a fixed time. */
export function sampleAt(at: number, given: Partial<TelemetrySample> = {}): TelemetrySample {
  return {
    timestamp: new Date(1_700_000_000_000 + at * 1000).toISOString(),
    uuid: 'GPU-a',
    utilization: 0.9,
    memoryBytes: 1e9,
    smClockMhz: 1980,
    maxSmClockMhz: 1980,
    powerWatts: 500,
    temperatureCelsius: 60,
    throttled: [],
    ...given,
  };
}

/** Uniform numbers in [0, 1), the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const masked = 'GPU-00000000-0000-0000-0000-000000000000';
