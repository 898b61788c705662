import { mkdirSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compiled } from './root.mjs';
import { run } from './steps.mjs';

/** A Python environment with pinned and hashed requirements, in the cache: one for each version of them. */
export async function provideVenv(name, requirements) {
  const { cacheFolder } = await compiled('stack', 'paths.js');
  const { withLock } = await compiled('stack', 'lock.js');
  const { pythonEnvironment, digest } = await compiled('stack', 'python.js');
  const { base, version } = await pythonEnvironment();
  const folder = join(cacheFolder(), `${name}-${digest(`${readFileSync(requirements, 'utf8')}\n${version}`)}`);
  const bin = join(folder, 'bin');
  // Written last, so that an environment without it is incomplete.
  const stamp = join(folder, '.installed');
  if (existsSync(stamp)) return { bin, did: false };
  return withLock(`${folder}.lock`, 30 * 60_000, async () => {
    if (existsSync(stamp)) return { bin, did: false };
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    await run(base, ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--require-hashes', '-r', requirements];
    await run(join(bin, 'python'), pip);
    writeFileSync(stamp, '');
    return { bin, did: true };
  });
}
