import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { inRoot } from './root.mjs';
import { run, StepFailed } from './steps.mjs';

const extras = ['torch'];
const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];

/**
 * Builds runtime/Dockerfile and gives the image's id. `base` null is the Dockerfile's own; `network` is that of the build, `host` where the
 * engine's bridge does not reach the package index; `fresh` leaves the build cache aside.
 */
export async function buildImage({ base = null, tag = 'assay-runtime', extras: wanted = [], network = null, fresh = false }) {
  const unknown = wanted.find((extra) => !extras.includes(extra));
  if (unknown !== undefined) throw new StepFailed(`--extras ${unknown}: expected ${extras.join(', ')}`);
  checkDocker();
  const context = mkdtempSync(join(tmpdir(), 'assay-image-'));
  try {
    fill(context, wanted);
    const idFile = join(context, '..', `${basename(context)}.id`);
    const args = ['build', '--quiet', '--iidfile', idFile, '--tag', tag];
    if (base !== null) args.push('--build-arg', `BASE=${await named(base)}`);
    if (network !== null) args.push('--network', network);
    if (fresh) args.push('--no-cache');
    // Engines leave these out of the image's history.
    for (const name of proxies) if (process.env[name]) args.push('--build-arg', name);
    try {
      // An attestation has the time of the build in it, and would give each build an id of its own.
      const env = { ...process.env, BUILDX_NO_DEFAULT_ATTESTATIONS: '1' };
      if (!hasBuildx()) {
        env.DOCKER_BUILDKIT ??= '0';
        // The engine's own builder leaves the container of a step that failed.
        args.push('--force-rm');
      }
      await run('docker', [...args, context], { env });
      return readFileSync(idFile, 'utf8').trim();
    } finally {
      rmSync(idFile, { force: true });
    }
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}

/** BuildKit takes an id for the name of a repository, so an image that has no name gets one. */
async function named(base) {
  const id = /^(?:sha256:)?([0-9a-f]{12,64})$/.exec(base)?.[1];
  if (id === undefined) return base;
  const name = `assay-base:${id.slice(0, 12)}`;
  await run('docker', ['tag', base, name]);
  return name;
}

/** Exactly what the Dockerfile copies, so that nothing else of this folder can change the image. */
function fill(context, wanted) {
  const runtime = (name) => inRoot('runtime', name);
  copyFileSync(runtime('Dockerfile'), join(context, 'Dockerfile'));
  copyFileSync(runtime(['requirements-image', ...wanted].join('-') + '.txt'), join(context, 'requirements.txt'));
  copyFileSync(runtime('requirements-image-build.txt'), join(context, 'requirements-build.txt'));
  mkdirSync(join(context, 'runtime'));
  copyFileSync(runtime('pyproject.toml'), join(context, 'runtime', 'pyproject.toml'));
  cpSync(runtime('assay_runtime'), join(context, 'runtime', 'assay_runtime'), {
    recursive: true,
    filter: (path) => basename(path) !== '__pycache__',
  });
  mkdirSync(join(context, 'pip'));
  writeFileSync(join(context, 'pip', 'pip.conf'), pipConfiguration(join(context, 'pip', 'ca.pem')));
}

/** How this machine's pip reaches its index, from the environment variables of pip and OpenSSL. */
function pipConfiguration(certificate) {
  const { PIP_INDEX_URL, PIP_EXTRA_INDEX_URL, PIP_TRUSTED_HOST, PIP_DEFAULT_TIMEOUT, PIP_CERT, SSL_CERT_FILE, REQUESTS_CA_BUNDLE } =
    process.env;
  const lines = ['[global]'];
  const set = (name, value) => value && lines.push(`${name} = ${value}`);
  set('index-url', PIP_INDEX_URL);
  set('extra-index-url', PIP_EXTRA_INDEX_URL);
  set('trusted-host', PIP_TRUSTED_HOST);
  set('timeout', PIP_DEFAULT_TIMEOUT);
  const authorities = PIP_CERT || SSL_CERT_FILE || REQUESTS_CA_BUNDLE;
  if (authorities) {
    copyFileSync(authorities, certificate);
    set('cert', '/opt/pip/ca.pem');
  }
  return `${lines.join('\n')}\n`;
}

function checkDocker() {
  try {
    execFileSync('docker', ['version', '--format', '{{.Server.Version}}'], { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    if (error.code === 'ENOENT') throw new StepFailed('no docker command: install Docker (https://docs.docker.com/engine/install)');
    throw new StepFailed(`the Docker engine does not answer: ${error.stderr.trim()}`);
  }
}

/** Without it the client refuses to build unless it is told to use the engine's own builder. */
function hasBuildx() {
  try {
    execFileSync('docker', ['buildx', 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
