import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AssayError } from '../contract';
import { cacheFolder, packageRoot } from './paths';

const run = promisify(execFile);

export const extras = ['base', 'torch', 'test'] as const;
export type Extra = (typeof extras)[number];

export interface PythonEnvironment {
  /** The interpreter that made, or will make, the environment. */
  base: string;
  version: string;
  folder: string;
  python: string;
  requirements: (extra: Extra) => string;
  /** Written last, so that an environment without it is incomplete. Its content is the hash of the requirements installed. */
  stamp: (extra: Extra) => string;
  ready: (extra: Extra) => boolean;
}

/** Where the trainers' Python environment of this checkout lies: one for each requirements.txt and Python version. */
export async function pythonEnvironment(): Promise<PythonEnvironment> {
  const { base, version } = await basePython();
  const requirements = (extra: Extra): string =>
    join(packageRoot(), 'runtime', extra === 'base' ? 'requirements.txt' : `requirements-${extra}.txt`);
  const folder = join(cacheFolder(), `python-${digest(`${readFileSync(requirements('base'), 'utf8')}\n${version}`)}`);
  const stamp = (extra: Extra): string => join(folder, `.${extra}-installed`);
  const ready = (extra: Extra): boolean =>
    existsSync(stamp(extra)) && readFileSync(stamp(extra), 'utf8') === digest(readFileSync(requirements(extra), 'utf8'));
  return { base, version, folder, python: join(folder, 'bin', 'python'), requirements, stamp, ready };
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** The interpreter that trainers run under: ASSAY_PYTHON, else the environment, else the one that would make it. */
export async function trainerPython(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  if (env.ASSAY_PYTHON) return env.ASSAY_PYTHON;
  const environment = await pythonEnvironment();
  return environment.ready('base') ? environment.python : environment.base;
}

/** The first Python 3.11 or newer on the PATH. */
async function basePython(): Promise<{ base: string; version: string }> {
  const seen: string[] = [];
  for (const name of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.14', 'python']) {
    try {
      const { stdout } = await run(name, ['-c', 'import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])']);
      const [base = name, version = ''] = stdout.trim().split('\n');
      const [major = 0, minor = 0] = version.split('.').map(Number);
      if (major === 3 && minor >= 11) return { base, version };
      seen.push(`${name} is ${version}`);
    } catch {
      // Not on the PATH, or a shim without a version behind it.
    }
  }
  throw new AssayError(
    'ExecutorUnavailable',
    `no Python 3.11 or newer on the PATH (${seen.join(', ') || 'no Python found'}); install one, or set ASSAY_PYTHON to an interpreter with the trainer's packages`,
  );
}
