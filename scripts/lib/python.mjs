import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { compiled } from './root.mjs';
import { run, step } from './steps.mjs';

const titles = { base: 'Python environment', torch: 'PyTorch', test: 'Python test tools' };

/** The trainers' Python environment with the wanted extras; returns its interpreter. A kill leaves no half environment: stamps are written last. */
export async function installPython(extras = []) {
  const { pythonEnvironment, digest } = await compiled('stack', 'python.js');
  const { withLock } = await compiled('stack', 'lock.js');
  const environment = await pythonEnvironment();
  const install = async (extra) => {
    if (environment.ready(extra)) return false;
    return withLock(`${environment.folder}.lock`, 30 * 60_000, async () => {
      if (environment.ready(extra)) return false;
      if (extra === 'base') {
        rmSync(environment.folder, { recursive: true, force: true });
        mkdirSync(dirname(environment.folder), { recursive: true });
        await run(environment.base, ['-m', 'venv', environment.folder]);
      }
      const file = environment.requirements(extra);
      await run(environment.python, ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '-r', file]);
      writeFileSync(environment.stamp(extra), digest(readFileSync(file, 'utf8')));
    });
  };
  for (const extra of ['base', ...extras]) await step(titles[extra], () => install(extra));
  return environment.python;
}
