import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import { differences } from '../../analysis';
import { type Ingredient, type PlannedReplay, configuredServer } from '../../client';
import { type PoolState, ids, poolNames } from '../../contract';
import { trainerPython } from '../../stack';
import { packageRoot, version } from '../version';

/** What a replay takes beside the store, as far as this machine can say it: with a server of one's own the hosts are asked by the workflow. */
export async function ofThisMachine(planned: PlannedReplay): Promise<Ingredient[]> {
  const { spec, original } = planned;
  const found = [
    ...(await models(planned)),
    ...(original.assay === version ? [] : [said('assay', 'differs', `it ran under ${original.assay}, this is ${version}`)]),
  ];
  if (spec.runtime.executor === 'docker') return [...found, await image(planned)];
  return configuredServer() === null ? [...found, ...(await trainer(planned))] : found;
}

/** Devices of the models that the runs had; once there is a server to ask. Looks at no pool where none was used. */
export async function devicesOf(client: Client, { input, result, spec }: PlannedReplay): Promise<Ingredient[]> {
  if (spec.runtime.gpus === 0) return [];
  const { hosts } = await client.workflow.getHandle(ids.gpuPool).query<PoolState>(poolNames.state);
  const there = hosts.flatMap(({ devices, reporting }) => (reporting ? devices.map(({ model }) => model) : []));
  const used = new Set(input.runs.flatMap(({ variant, seed }) => runOf(result, variant, seed)?.device.model ?? []));
  const fitting = [...used].filter((model) => there.includes(model));
  if (fitting.length > 0) return [];
  const has = there.length === 0 ? 'no host has a device' : `the hosts have ${[...new Set(there)].join(', ')}`;
  const detail = `it ran on ${[...used].join(', ')}; ${has}`;
  if (there.length > 0) return [said('devices', 'differs', detail)];
  return [said('devices', 'missing', detail, 'start a gpu pool on a host that has them (docs/gpus.md)')];
}

/** Models that were trained before are files of the spec's folder; the record holds what they predicted, not them. */
async function models({ spec, input }: PlannedReplay): Promise<Ingredient[]> {
  const wanted = spec.variants.filter(({ name, model }) => model !== undefined && input.runs.some(({ variant }) => variant === name));
  const found: Ingredient[] = [];
  for (const { name, model = '' } of wanted) {
    const path = isAbsolute(model) ? model : join(spec.root, model);
    if (!(await isThere(path))) found.push(said('model', 'missing', `${path} of ${name} is not here`, 'put the file back where it was'));
  }
  return found;
}

async function image({ input }: PlannedReplay): Promise<Ingredient> {
  if (input.image === null) return said('image', 'missing', 'the record names none', 'run the experiment anew');
  const { dockerHealth, pinOf } = await import('../../executor/index.js');
  const known = await pinOf(input.image).catch(() => null);
  if (known !== null) return said('image', 'there', '');
  // Hosts elsewhere may have it: the workflow asks them before the first run.
  if (configuredServer() !== null)
    return said('image', 'unknown', `${input.image} is not known to an engine here; the hosts are asked for it`);
  const health = await dockerHealth();
  const why = 'problem' in health ? `no Docker engine answers (${health.problem})` : 'neither the engine here nor its registry has it';
  return said('image', 'missing', `${input.image}: ${why}`, 'pull it, load it from a backup (docker load), or build it again and run anew');
}

/** The interpreter and what the trainer found there. */
async function trainer({ spec, input, result }: PlannedReplay): Promise<Ingredient[]> {
  const python = await trainerPython();
  const [program = ''] = spec.training.command;
  const path = [dirname(python), ...(process.env.PATH ?? '').split(delimiter)];
  const candidates = program.includes('/')
    ? [isAbsolute(program) ? program : join(spec.root, program)]
    : path.map((folder) => join(folder, program));
  const here = await Promise.all(candidates.map((each) => isThere(each, constants.X_OK)));
  const found = candidates[here.indexOf(true)];
  if (found === undefined) return [said('trainer', 'missing', `"${program}" is not on the PATH`, 'install it, or set ASSAY_PYTHON')];
  if (!/^python[\d.]*$/.test(program)) return [];
  const [first] = input.runs;
  const recorded = first === undefined ? {} : (runOf(result, first.variant, first.seed)?.environment ?? {});
  const threads = Math.max(1, Math.floor(spec.runtime.cpus / spec.runtime.processes));
  const now = await environmentOf(found, Object.keys(recorded), threads);
  if (now === null) return [said('environment', 'unknown', `${found} does not say what it has`)];
  const absent = libraries.filter((name) => recorded[name] !== undefined && now[name] === undefined);
  return [
    ...absent.map((name) =>
      said('library', 'missing', `${name} ${String(recorded[name])} is not installed for ${found}`, 'install it, or set ASSAY_PYTHON'),
    ),
    ...differences(recorded, now).map(({ what, original, replay }) => said(what, 'differs', `it ran with ${original}, here is ${replay}`)),
  ];
}

/** What `assay_runtime` would record here with the libraries that it recorded then; null where it cannot be asked. */
async function environmentOf(python: string, names: readonly string[], threads: number): Promise<Record<string, unknown> | null> {
  const asked = names.filter((name) => /^[A-Za-z_]\w*$/.test(name) && !facts.has(name));
  const script = 'import sys; from assay_runtime.environment import main; main(sys.argv[1:])';
  const env = { ...process.env, PYTHONPATH: join(packageRoot, 'runtime'), PYTHONWARNINGS: 'ignore', OMP_NUM_THREADS: String(threads) };
  try {
    const { stdout } = await promisify(execFile)(python, ['-c', script, ...asked], { env, timeout: 120_000 });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  } catch {
    return null;
  }
}

const runOf = (result: PlannedReplay['result'], variant: string, seed: number) =>
  result.variants.find(({ name }) => name === variant)?.runs.find((run) => run.seed === seed);

const said = (name: string, state: Ingredient['state'], detail: string, mend = ''): Ingredient => ({ name, state, detail, mend });

const isThere = (path: string, mode = constants.F_OK): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );

/** Without which a trainer that had them cannot run. */
const libraries = ['numpy', 'scipy', 'sklearn', 'torch'];
/** Of the environment, what is no library to load. */
const facts = new Set(['python', 'platform', 'machine', 'assay_runtime', 'cpu', 'threads', 'torch_threads', 'blas', 'cuda', 'device']);
