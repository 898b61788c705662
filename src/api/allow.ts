import { realpathSync } from 'node:fs';
import { isAbsolute, resolve, sep } from 'node:path';
import { mlflowPlan, type ResolvedSpec } from '../contract';
import type { Path } from '../contract/specProblems';
import { type Allow, originOf } from './config';

/** A key that this server does not take as it is written. */
export interface Refusal {
  path: Path;
  /** What is refused, and what is allowed. */
  message: string;
}

export interface Place {
  allow: Allow;
  /** The allowed folder that relative paths start from; null where the caller named none. */
  root: string | null;
  /** Runs of one experiment. */
  runs: number;
}

/** Starting an experiment is running code: every key of it that reaches for something of the server, and is not on its lists. */
export function refusalsOf(spec: ResolvedSpec, place: Place): Refusal[] {
  const { allow } = place;
  return [
    ...executor(spec, place),
    ...image(spec, allow),
    ...(spec.runtime.network === true && !allow.network
      ? [{ path: ['runtime', 'network'], message: 'true is not allowed on this server' }]
      : []),
    ...source(['data', 'source'], spec.data.source, place),
    ...against(spec, place),
    ...files(spec, place),
    ...webhooks(spec, allow),
    ...publish(spec, allow),
    ...size(spec, place),
  ];
}

function executor({ runtime }: ResolvedSpec, { allow, root }: Place): Refusal[] {
  const path = ['runtime', 'executor'];
  if (!allow.executors.includes(runtime.executor))
    return [{ path, message: `"${runtime.executor}" is not allowed on this server; allowed: ${listed(allow.executors)}` }];
  if (runtime.executor !== 'process' || root !== null) return [];
  return [{ path, message: `"process" runs in a folder of the server; name one with ?root=, within: ${listed(allow.roots)}` }];
}

/** Of Docker's grammar for names: what else there is would be read in another way than it is compared. */
const imageName = /^(?:[a-z0-9.-]+(?::\d+)?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;

function image({ runtime }: ResolvedSpec, { images }: Allow): Refusal[] {
  if (runtime.image === undefined) return [];
  const name = nameOf(runtime.image);
  if ((name === runtime.image || imageName.test(name)) && images.some((pattern) => matches(pattern, name))) return [];
  return [{ path: ['runtime', 'image'], message: `${name} is not allowed on this server; allowed: ${listed(images)}` }];
}

/** Without tag and digest; the id of an image of the host stays as it is. */
const nameOf = (reference: string): string =>
  reference.startsWith('sha256:') ? reference : reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '');

function matches(pattern: string, name: string): boolean {
  const parts = pattern
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '.+' : part === '*' ? '[^/]+' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${parts.join('')}$`).test(name);
}

function against({ checks }: ResolvedSpec, place: Place): Refusal[] {
  const reference = checks.drift.against;
  return reference.startsWith('snapshot:') ? source(['checks', 'drift', 'against'], reference, place) : [];
}

function source(path: Path, value: string, place: Place): Refusal[] {
  const { sources } = place.allow;
  if (value.startsWith('dvc:')) return inRoots(path, value.slice('dvc:'.length), place);
  if (!/^[a-z0-9+.-]{2,}:/i.test(value)) return inRoots(path, value, place);
  if (sources.some((beginning) => begins(value, beginning))) return [];
  return [{ path, message: `${value} is not allowed on this server; allowed: ${listed(sources)}` }];
}

/** Of an address at the end of a part: `s3://bucket/a` is no beginning of `s3://bucket/ab`, and `..` leads out. */
function begins(value: string, beginning: string): boolean {
  if (!beginning.includes('://')) return value.startsWith(beginning);
  if (value.split('/').some((part) => part === '.' || part === '..')) return false;
  const folder = beginning.replace(/\/+$/, '');
  return value === folder || value.startsWith(`${folder}/`);
}

/** Everything else that names files. */
function files(spec: ResolvedSpec, place: Place): Refusal[] {
  const { split } = spec.data;
  const named: [Path, string | undefined][] = [
    ...('train' in split
      ? (['train', 'validation', 'test'] as const).map((key): [Path, string | undefined] => [['data', 'split', key], split[key]])
      : []),
    ...(spec.training.code ?? []).map((file, index): [Path, string] => [['training', 'code', index], file]),
    ...spec.variants.map(({ model }, index): [Path, string | undefined] => [['variants', index, 'model'], model]),
  ];
  return named.flatMap(([path, file]) => (file === undefined ? [] : inRoots(path, file, place)));
}

function inRoots(path: Path, file: string, { allow, root }: Place): Refusal[] {
  const allowed = `allowed: files below ${listed(allow.roots)}`;
  if (allow.roots.length === 0)
    return [
      {
        path,
        message: `${file} is a path of the server's host, and none is allowed; use s3://, builtin: or snapshot: for data, and the image for code`,
      },
    ];
  if (root === null && !isAbsolute(file))
    return [{ path, message: `${file} is a relative path, and ?root= names no folder that it starts from; ${allowed}` }];
  // A ".." behind a link leads elsewhere than it reads.
  if (!file.split('/').includes('..') && isWithin(resolve(root ?? '/', file), allow.roots)) return [];
  return [{ path, message: `${file} lies outside of what this server allows; ${allowed}` }];
}

/** Whether a path lies within one of the folders, links followed; of what is not there, whether it would. */
export function isWithin(path: string, folders: readonly string[]): boolean {
  const inside = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
  const plain = resolve(path);
  return folders.some((folder) => inside(plain, resolve(folder)) && inside(realPath(plain), realPath(resolve(folder))));
}

/** The nearest part that exists is followed, the rest is added. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const above = resolve(path, '..');
    return above === path ? path : resolve(realPath(above), path.slice(above.endsWith(sep) ? above.length : above.length + 1));
  }
}

/** Compared as the sender reads it, with its port; a name is not resolved, so whoever lists a host answers for where it leads. */
function webhooks({ notify }: ResolvedSpec, allow: Allow): Refusal[] {
  const origins = allow.webhooks.map(originOf);
  return notify.flatMap(({ webhook }, index): Refusal[] => {
    const origin = URL.canParse(webhook) ? new URL(webhook).origin : null;
    if (origin !== null && origins.includes(origin)) return [];
    return [
      {
        path: ['notify', index, 'webhook'],
        message: `${origin ?? webhook} is not allowed on this server; allowed: ${listed(allow.webhooks)}`,
      },
    ];
  });
}

function publish(spec: ResolvedSpec, allow: Allow): Refusal[] {
  const path = spec.publish?.mlflow === undefined ? ['decision', 'register'] : ['publish', 'mlflow'];
  return mlflowPlan(spec) === null || allow.publish ? [] : [{ path, message: 'publishing to MLflow is not allowed on this server' }];
}

function size({ variants, training }: ResolvedSpec, { runs }: Place): Refusal[] {
  const wanted = variants.length * training.seeds.length;
  if (wanted <= runs) return [];
  return [{ path: ['training', 'seeds'], message: `${wanted} runs are more than the ${runs} that this server takes of one experiment` }];
}

const listed = (entries: readonly string[]): string => (entries.length === 0 ? 'none' : entries.join(', '));
