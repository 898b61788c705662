import { availableParallelism, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What a pool reads from its environment. */
export interface Settings {
  /** ASSAY_HOME: runs, caches and the embedded stack of this host; default `.assay` in the working directory. */
  home: string;
  /** ASSAY_STORE: default a folder in ASSAY_HOME; hosts that share runs must share it. */
  storeUrl: string;
  /** ASSAY_CACHE_BYTES: what this host keeps of data that its runs read, default 20 GB. */
  cacheBytes: number;
  /** ASSAY_HOST: this host's name in queues, default the host name. */
  host: string;
  /** ASSAY_SLOTS: trainers at once, default the number of cores. */
  slots: number;
  /** ASSAY_GPU_SHARING: `mps` where this host's MPS daemon keeps tenants of a device to their memory; default `none`. */
  sharing: 'none' | 'mps';
  /** ASSAY_PYTHON: the interpreter that `python` means in a command; default what PATH has. */
  python: string | null;
  /** ASSAY_RUNTIME: folder of the `assay_runtime` package, default the one of this checkout. */
  runtimeDir: string;
  /** ASSAY_TEMPORAL_UI: base address for links. */
  uiUrl: string | null;
}

export function settings(env: NodeJS.ProcessEnv = process.env): Settings {
  const home = resolve(env.ASSAY_HOME ?? '.assay');
  const slots = Number(env.ASSAY_SLOTS ?? availableParallelism());
  if (!Number.isInteger(slots) || slots < 1) throw new Error(`ASSAY_SLOTS is "${env.ASSAY_SLOTS}"; expected a whole number from 1`);
  const cacheBytes = Number(env.ASSAY_CACHE_BYTES ?? 20e9);
  if (!Number.isFinite(cacheBytes) || cacheBytes < 0)
    throw new Error(`ASSAY_CACHE_BYTES is "${env.ASSAY_CACHE_BYTES}"; expected a number of bytes`);
  const sharing = env.ASSAY_GPU_SHARING ?? 'none';
  if (sharing !== 'none' && sharing !== 'mps') throw new Error(`ASSAY_GPU_SHARING is "${sharing}"; expected none or mps`);
  return {
    home,
    sharing,
    cacheBytes,
    storeUrl: env.ASSAY_STORE ?? pathToFileURL(join(home, 'store')).href,
    host: env.ASSAY_HOST ?? hostname(),
    slots,
    python: env.ASSAY_PYTHON ?? null,
    // From dist/workers/ and from workers/ alike.
    runtimeDir: resolve(env.ASSAY_RUNTIME ?? join(packageRoot(), 'runtime')),
    uiUrl: env.ASSAY_TEMPORAL_UI ?? null,
  };
}

/** The folder that holds package.json, from dist/workers/ and from workers/ alike. */
export function packageRoot(): string {
  const parent = resolve(__dirname, '..');
  return parent.endsWith('dist') ? resolve(parent, '..') : parent;
}
