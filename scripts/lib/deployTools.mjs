import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { userInfo } from 'node:os';
import { provideGoTool } from './goTools.mjs';
import { compiled } from './root.mjs';
import { run, say, StepFailed } from './steps.mjs';

const need = 'the tests of deploy/ need';
/** Prometheus and the checker of Alertmanager as Debian has them. */
const debian = {
  promtool: 'prometheus',
  prometheus: 'prometheus',
  amtool: 'prometheus-alertmanager',
};

/** What checks the files of deploy/: variable of the tests' environment -> how it is had. A variable that is set wins, then PATH. */
const tools = {
  ASSAY_TEST_PROMTOOL: () => fromDebian('promtool'),
  ASSAY_TEST_PROMETHEUS: () => fromDebian('prometheus'),
  // Debian's is bound to the place where its package is installed.
  ASSAY_TEST_ALERTMANAGER: () =>
    go('ASSAY_TEST_ALERTMANAGER', 'alertmanager', 'github.com/prometheus/alertmanager/cmd/alertmanager', 'v0.28.1'),
  ASSAY_TEST_AMTOOL: () =>
    fromDebian('amtool').catch(() => go('ASSAY_TEST_AMTOOL', 'amtool', 'github.com/prometheus/alertmanager/cmd/amtool', 'v0.28.1')),
  ASSAY_TEST_SYSTEMD_ANALYZE: systemdAnalyze,
  ASSAY_TEST_KUSTOMIZE: () =>
    onPath('kustomize') ?? go('ASSAY_TEST_KUSTOMIZE', 'kustomize', 'sigs.k8s.io/kustomize/kustomize/v5', 'v5.7.1', 'kustomize'),
  ASSAY_TEST_KUBERNETES_VALIDATE: kubernetesValidate,
  // The loader of `docker compose` itself, without an engine.
  ASSAY_TEST_COMPOSE: () => go('ASSAY_TEST_COMPOSE', 'compose-spec', 'github.com/compose-spec/compose-go/v2/cmd', 'v2.16.2'),
};

/**
 * The checkers as variables of the tests' environment, cached, none of them installed on this machine but systemd's. One that cannot be had
 * is named in `<VARIABLE>_ERROR` with what to do; its tests fail with that sentence, and no other.
 */
export async function provideDeployTools() {
  const env = {};
  let did = false;
  for (const [variable, provide] of Object.entries(tools)) {
    try {
      const made = process.env[variable] ? { path: process.env[variable], did: false } : await provide();
      env[variable] = made.path;
      did ||= made.did;
    } catch (error) {
      if (!(error instanceof StepFailed)) throw error;
      env[`${variable}_ERROR`] = error.message;
    }
  }
  return { env, did };
}

const go = (variable, name, module, version, binary) => provideGoTool({ variable, name, module, version, need, binary });

/** From PATH, else out of its Debian package, unpacked into the cache without root. */
async function fromDebian(name) {
  const found = onPath(name);
  if (found) return found;
  const made = await cached(`debian-${debian[name]}`, `Debian's ${debian[name]}`, async (folder) => {
    if (!onPath('apt-get') || !onPath('dpkg'))
      throw new StepFailed(`${need} ${name}: install ${debian[name]}, or set ${variableOf(name)} to it`);
    await download(debian[name], folder, name);
    const file = readdirSync(folder).find((entry) => entry.endsWith('.deb'));
    await run('dpkg', ['-x', join(folder, file), folder]);
    rmSync(join(folder, file));
  });
  return { path: join(made.path, 'usr', 'bin', name), did: made.did };
}

async function download(debianPackage, cwd, name) {
  const get = () => run('apt-get', ['download', '-qq', debianPackage], { cwd });
  try {
    await get();
  } catch (error) {
    // A fresh machine has no lists of packages yet, and only root may get them.
    if (userInfo().uid !== 0) {
      const mend = `sudo apt-get update, or install ${debianPackage}, or set ${variableOf(name)} to it`;
      throw new StepFailed(`${error.message}\n${need} ${name}: ${mend}`);
    }
    await run('apt-get', ['update', '-qq']);
    await get();
  }
}

/** Part of a running system and not to be unpacked beside it. */
async function systemdAnalyze() {
  const found = onPath('systemd-analyze');
  if (found) return found;
  if (userInfo().uid !== 0 || !onPath('apt-get')) {
    throw new StepFailed(`${need} systemd-analyze: install systemd 252 or newer, or set ASSAY_TEST_SYSTEMD_ANALYZE to it`);
  }
  say('installing systemd');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await run('apt-get', ['update', '-qq'], { env });
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'systemd'], { env });
  return { ...onPath('systemd-analyze'), did: true };
}

/** The Python package kubernetes-validate, which carries the schemas of Kubernetes' own API, apart from any environment. */
async function kubernetesValidate() {
  const version = '1.37.0';
  const { pythonEnvironment } = await compiled('stack', 'python.js');
  const { base } = await pythonEnvironment();
  const made = await cached(`kubernetes-validate-${version}`, `kubernetes-validate ${version}`, async (folder) => {
    const options = ['--target', join(folder, 'lib'), '--disable-pip-version-check', '--no-input', '-q'];
    await run(base, ['-m', 'pip', 'install', ...options, `kubernetes-validate==${version}`]).catch((error) => {
      const mend = 'install it with pip, or set ASSAY_TEST_KUBERNETES_VALIDATE to its executable';
      throw new StepFailed(`${error.message}\n${need} kubernetes-validate: ${mend}`);
    });
    const script = `#!/bin/sh\nPYTHONPATH="$(dirname "$0")/lib" exec ${base} -m kubernetes_validate "$@"\n`;
    writeFileSync(join(folder, 'kubernetes-validate'), script, { mode: 0o755 });
  });
  return { path: join(made.path, 'kubernetes-validate'), did: made.did };
}

/** A folder of the cache, filled once. Whole or not at all: a kill leaves no half folder. */
async function cached(name, title, fill) {
  const { cacheFolder } = await compiled('stack', 'paths.js');
  const { withLock } = await compiled('stack', 'lock.js');
  const path = join(cacheFolder(), name);
  if (existsSync(path)) return { path, did: false };
  mkdirSync(cacheFolder(), { recursive: true });
  return withLock(`${path}.lock`, 10 * 60_000, async () => {
    if (existsSync(path)) return { path, did: false };
    say(`fetching ${title}`);
    const making = mkdtempSync(join(cacheFolder(), '.making-'));
    try {
      await fill(making);
      renameSync(making, path);
    } finally {
      rmSync(making, { recursive: true, force: true });
    }
    return { path, did: true };
  });
}

function onPath(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const path = folders
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file) && spawnSync(file, ['--help'], { stdio: 'ignore' }).error === undefined);
  return path === undefined ? null : { path, did: false };
}

const variableOf = (name) => `ASSAY_TEST_${name.toUpperCase()}`;
