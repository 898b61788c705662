import { join } from 'node:path';
import type { RunKey } from '../contract';
import type { Store } from '../store';
import type { Slots } from './slots';

export interface GpuDeps {
  store: Store;
  slots: Slots;
  host: string;
  /** Folder for runs and the snapshot cache. */
  home: string;
  python: string | null;
  runtimeDir: string;
}

export const runsDir = (home: string): string => join(home, 'runs');

export const runDir = (home: string, { experimentId, variant, seed }: RunKey): string =>
  join(runsDir(home), experimentId, variant, `seed-${seed}`);
