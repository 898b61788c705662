import { availableParallelism, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { deploymentName } from '../src/contract';
import { buildId, packageVersion } from '../src/stack/paths';

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
  /** ASSAY_CONTROL_SLOTS: workflow tasks, and light activities, that a control worker has under way at once; default 40. */
  controlSlots: number;
  /** ASSAY_CONTROL_CACHE: workflows a control worker keeps in memory, about 1 MB each; the others are replayed when they go on. Default 600. */
  cachedWorkflows: number;
  /** ASSAY_ANALYSIS_SLOTS: snapshots, checks and comparisons that an analysis worker computes at once; default 2. */
  analysisSlots: number;
  /** ASSAY_GRACE_SECONDS: after SIGTERM, what control and analysis have under way may take so long before it is handed back; default 10. */
  graceSeconds: number;
  /** ASSAY_DEPLOYMENT (1, or a name) and ASSAY_BUILD_ID: control and analysis take the work of their build alone; default null, no versions. */
  deployment: { name: string; build: string } | null;
  /** ASSAY_GPU_SHARING: `mps` where this host's MPS daemon keeps tenants of a device to their memory; default `none`. */
  sharing: 'none' | 'mps';
  /** ASSAY_PYTHON: the interpreter that `python` means in a command; default what PATH has. */
  python: string | null;
  /** ASSAY_RUNTIME: folder of the `assay_runtime` package, default the one of this checkout. */
  runtimeDir: string;
  /** ASSAY_TEMPORAL_UI: base address for links. */
  uiUrl: string | null;
  /** ASSAY_NEXUS_ROOT: the folder that relative paths of callers through Nexus start from; default null, they may name no file of a host. */
  nexusRoot: string | null;
  /** ASSAY_NEXUS_ENDPOINT: the endpoint that the control pool makes where there is none; default null, somebody else makes it. */
  nexusEndpoint: string | null;
  /** ASSAY_PUBLIC_URL: base address under which people reach the API (`assay serve`), for links. */
  publicUrl: string | null;
}

export function settings(env: NodeJS.ProcessEnv = process.env): Settings {
  const home = resolve(env.ASSAY_HOME ?? '.assay');
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
    slots: count(env, 'ASSAY_SLOTS', availableParallelism(), 1),
    controlSlots: count(env, 'ASSAY_CONTROL_SLOTS', 40, 2),
    cachedWorkflows: count(env, 'ASSAY_CONTROL_CACHE', 600, 10),
    analysisSlots: count(env, 'ASSAY_ANALYSIS_SLOTS', 2, 1),
    graceSeconds: count(env, 'ASSAY_GRACE_SECONDS', 10, 0),
    deployment: deploymentOf(env),
    python: env.ASSAY_PYTHON ?? null,
    // From dist/workers/ and from workers/ alike.
    runtimeDir: resolve(env.ASSAY_RUNTIME ?? join(packageRoot(), 'runtime')),
    nexusRoot: env.ASSAY_NEXUS_ROOT ? resolve(env.ASSAY_NEXUS_ROOT) : null,
    nexusEndpoint: env.ASSAY_NEXUS_ENDPOINT || null,
    uiUrl: baseAddress(env, 'ASSAY_TEMPORAL_UI'),
    publicUrl: baseAddress(env, 'ASSAY_PUBLIC_URL'),
  };
}

/** Without it links are left out; a wrong one is worse than none. */
function baseAddress(env: NodeJS.ProcessEnv, name: 'ASSAY_TEMPORAL_UI' | 'ASSAY_PUBLIC_URL'): string | null {
  const value = env[name];
  if (!value) return null;
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new Error(`${name} is "${value}"; expected an address such as https://assay.example.org`);
  return value.replace(/\/+$/, '');
}

function count(env: NodeJS.ProcessEnv, name: string, usual: number, least: number): number {
  const value = Number(env[name] || usual);
  if (!Number.isInteger(value) || value < least) throw new Error(`${name} is "${env[name]}"; expected a whole number from ${least}`);
  return value;
}

function deploymentOf(env: NodeJS.ProcessEnv): Settings['deployment'] {
  const given = env.ASSAY_DEPLOYMENT ?? '';
  if (given === '' || given === '0') return null;
  const name = given === '1' ? deploymentName : given;
  const build = env.ASSAY_BUILD_ID || `${packageVersion()}-${buildId()}`;
  // The server joins both by a point and a colon in what it shows.
  if (!/^[\w-]{1,100}$/.test(name)) throw new Error(`ASSAY_DEPLOYMENT is "${given}"; expected 1, or a name of letters, digits, - and _`);
  if (!/^[\w.+-]{1,100}$/.test(build)) throw new Error(`ASSAY_BUILD_ID is "${build}"; expected letters, digits, and . + - _`);
  return { name, build };
}

/** The folder that holds package.json, from dist/workers/ and from workers/ alike. */
export function packageRoot(): string {
  const parent = resolve(__dirname, '..');
  return parent.endsWith('dist') ? resolve(parent, '..') : parent;
}
