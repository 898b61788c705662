import { join } from 'node:path';
import type { ResolvedImage, ResolvedSpec, RunKey } from '../contract';
import type { Executor } from '../executor';
import type { Gpus } from '../gpu';
import type { ObjectCache, Store } from '../store';
import type { LeaseBook } from './leases';

export interface GpuDeps {
  store: Store;
  host: string;
  /** Folder for runs and the caches. */
  home: string;
  python: string | null;
  runtimeDir: string;
  executors: Record<Executor['kind'], Executor>;
  resolveImage: (reference: string, options: { onProgress?: (text: string) => void; signal?: AbortSignal }) => Promise<ResolvedImage>;
  gpus: Gpus;
  /** Of data, shared by the runs of this host; none in tests that need none. */
  cache?: ObjectCache | undefined;
  book: LeaseBook;
}

export const executorOf = ({ executors }: GpuDeps, { runtime }: ResolvedSpec): Executor => executors[runtime.executor];

export const runsDir = (home: string): string => join(home, 'runs');

export const runDir = (home: string, { experimentId, variant, seed }: RunKey): string =>
  join(runsDir(home), experimentId, variant, `seed-${seed}`);

export const snapshotsDir = (home: string): string => join(home, 'cache', 'snapshots');
export const codeDir = (home: string): string => join(home, 'cache', 'code');
