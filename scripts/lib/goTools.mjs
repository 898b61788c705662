import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compiled } from './root.mjs';
import { run, say, StepFailed } from './steps.mjs';

/** Servers of the store's tests: an S3 server, and a proxy that breaks connections in wanted ways. */
const tools = [
  { name: 'versitygw', variable: 'ASSAY_TEST_S3', module: 'github.com/versity/versitygw/cmd/versitygw', version: 'v1.8.0' },
  { name: 'toxiproxy', variable: 'ASSAY_TEST_TOXIPROXY', module: 'github.com/Shopify/toxiproxy/v2/cmd/server', version: 'v2.12.0' },
];

/** Their executables as variables of the tests' environment, built with Go into the cache, once (a minute or two). A variable that is set wins. */
export async function provideStoreServers() {
  const env = {};
  let did = false;
  for (const tool of tools) {
    const set = process.env[tool.variable];
    const made = set ? { path: set, did: false } : await provideGoTool({ ...tool, need: 'the tests of the store need' });
    env[tool.variable] = made.path;
    did ||= made.did;
  }
  return { env, did };
}

/**
 * The executable of a Go program in the cache, built there once. `need` begins the sentence that a machine without Go is told; `binary` is
 * how Go names it, by default the last part of the module.
 */
export async function provideGoTool({ name, variable, module, version, need, binary = module.split('/').at(-1) }) {
  const { cacheFolder } = await compiled('stack', 'paths.js');
  const { withLock } = await compiled('stack', 'lock.js');
  const folder = join(cacheFolder(), 'bin');
  const path = join(folder, `${name}-${version}`);
  if (existsSync(path)) return { path, did: false };
  mkdirSync(folder, { recursive: true });
  return withLock(`${path}.lock`, 15 * 60_000, async () => {
    if (existsSync(path)) return { path, did: false };
    say(`building ${name} ${version}`);
    const making = mkdtempSync(join(folder, '.making-'));
    try {
      await run('go', ['install', `${module}@${version}`], { env: { ...process.env, GOBIN: making, CGO_ENABLED: '0' } }).catch((error) => {
        throw new StepFailed(`${error.message}\n${need} ${name}: install Go 1.24 or newer, or set ${variable} to its executable`);
      });
      // Whole or not at all: a kill leaves no half program.
      renameSync(join(making, binary), path);
    } finally {
      rmSync(making, { recursive: true, force: true });
    }
    return { path, did: true };
  });
}
