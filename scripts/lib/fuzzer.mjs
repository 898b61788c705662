import { mkdirSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compiled, inRoot } from './root.mjs';
import { run } from './steps.mjs';

const variable = 'ASSAY_TEST_SCHEMATHESIS';

/** schemathesis, in a Python environment of its own in the cache, one for each version of its requirements. A variable that is set wins. */
export async function provideFuzzer() {
  if (process.env[variable]) return { env: { [variable]: process.env[variable] }, did: false };
  const { cacheFolder } = await compiled('stack', 'paths.js');
  const { withLock } = await compiled('stack', 'lock.js');
  const { pythonEnvironment, digest } = await compiled('stack', 'python.js');
  const requirements = inRoot('test', 'api', 'requirements.txt');
  const { base, version } = await pythonEnvironment();
  const folder = join(cacheFolder(), `schemathesis-${digest(`${readFileSync(requirements, 'utf8')}\n${version}`)}`);
  const env = { [variable]: join(folder, 'bin', 'schemathesis') };
  // Written last, so that an environment without it is incomplete.
  const stamp = join(folder, '.installed');
  if (existsSync(stamp)) return { env, did: false };
  return withLock(`${folder}.lock`, 15 * 60_000, async () => {
    if (existsSync(stamp)) return { env, did: false };
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    await run(base, ['-m', 'venv', folder]);
    const pip = [
      join(folder, 'bin', 'python'),
      ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--require-hashes', '-r', requirements],
    ];
    await run(...pip);
    writeFileSync(stamp, '');
    return { env, did: true };
  });
}
