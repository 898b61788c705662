import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import { compiled } from './root.mjs';
import { run, say, StepFailed } from './steps.mjs';

/** Command -> Debian package: the engine. */
const engine = { dockerd: 'docker.io', iptables: 'iptables' };
/** The same of what the tests use beside it: for the base image, the registry, networks cut off, and clocks that jump. */
const tools = { mmdebstrap: 'mmdebstrap', 'docker-registry': 'docker-registry', ip: 'iproute2', faketime: 'faketime' };

/**
 * The engine at DOCKER_HOST or at the usual socket; where none answers and this is root on Debian, a private one with its images in the
 * cache. Several test runs share it, and the last one's `stop` ends it.
 */
export async function provideDocker({ usual = 'unix:///var/run/docker.sock' } = {}) {
  const host = process.env.DOCKER_HOST || usual;
  if (await answers(host)) {
    await installMissing(tools);
    return { host, did: false, stop: async () => {} };
  }
  if (process.env.DOCKER_HOST) throw new StepFailed(`no Docker engine answers at DOCKER_HOST=${host}; start it, or unset DOCKER_HOST`);
  if (!mayInstall() && (missing('dockerd') || userInfo().uid !== 0)) {
    throw new StepFailed(`no Docker engine answers at ${host}; start Docker or install it (https://docs.docker.com/engine/install)`);
  }
  await installMissing({ ...engine, ...tools });
  if (missing('docker')) await aptInstall(['docker-cli']);
  return privateEngine();
}

async function answers(host) {
  try {
    await (host.startsWith('unix://') ? new Docker({ socketPath: host.slice('unix://'.length) }) : new Docker()).ping();
    return true;
  } catch {
    return false;
  }
}

function missing(command) {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], {
      stdio: 'ignore',
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    return false;
  } catch {
    return true;
  }
}

const mayInstall = () => userInfo().uid === 0 && existsSync('/etc/debian_version');

async function installMissing(packages) {
  const wanted = Object.keys(packages)
    .filter(missing)
    .map((command) => packages[command]);
  if (wanted.length > 0 && mayInstall()) await aptInstall(wanted);
}

async function aptInstall(names) {
  say(`installing ${names.join(', ')}`);
  // A package that starts its service while it is installed would leave a server behind.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await run('apt-get', ['update', '-qq'], { env });
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], { env });
}

async function privateEngine() {
  const { cacheFolder } = await compiled('stack', 'paths.js');
  const { withLock } = await compiled('stack', 'lock.js');
  const data = join(cacheFolder(), 'docker');
  // A socket's path may have 107 characters, and a cache folder's may have more.
  const folder = join(tmpdir(), `assay-docker-${createHash('sha256').update(data).digest('hex').slice(0, 12)}`);
  const host = `unix://${join(folder, 'docker.sock')}`;
  const user = join(folder, 'users', String(process.pid));
  const locked = (work) => withLock(`${data}.lock`, 5 * 60_000, work);
  mkdirSync(data, { recursive: true });
  const did = await locked(async () => {
    mkdirSync(join(folder, 'users'), { recursive: true });
    writeFileSync(user, '');
    if (await answers(host)) return false;
    // A kernel that refuses bridges or iptables still runs containers without a network.
    if (!(await startEngine(folder, data, []))) {
      const restricted = await startEngine(folder, data, ['--bridge=none', '--iptables=false']);
      if (!restricted) throw new StepFailed(`the Docker engine did not start:\n${tail(join(folder, 'log'))}`);
    }
    return true;
  });
  const stop = () =>
    locked(async () => {
      rmSync(user, { force: true });
      if (readdirSync(join(folder, 'users')).some((pid) => alive(Number(pid)))) return;
      // What is left of builds that changed since; the named images stay.
      await run('docker', ['-H', host, 'image', 'prune', '--force', '--filter', 'until=168h']).catch((error) => say(error.message));
      await stopEngine(folder);
    });
  return { host, did, stop };
}

async function startEngine(folder, data, options) {
  const log = openSync(join(folder, 'log'), 'a');
  const pidFile = join(folder, 'pid');
  if (existsSync(pidFile) && !alive(readPid(pidFile))) rmSync(pidFile);
  const at = [
    '--data-root',
    data,
    '--exec-root',
    join(folder, 'exec'),
    '--pidfile',
    pidFile,
    '-H',
    `unix://${join(folder, 'docker.sock')}`,
  ];
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const child = spawn('dockerd', [...at, ...options], { detached: true, stdio: ['ignore', log, log], env });
  let ended = false;
  for (const event of ['exit', 'error']) {
    child.on(event, () => {
      ended = true;
    });
  }
  for (let waited = 0; waited < 60_000 && !ended; waited += 100) {
    if (await answers(`unix://${join(folder, 'docker.sock')}`)) {
      child.unref();
      return true;
    }
    await delay(100);
  }
  if (!ended) child.kill('SIGKILL');
  return false;
}

async function stopEngine(folder) {
  const pid = readPid(join(folder, 'pid'));
  if (!alive(pid)) return;
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; alive(pid) && waited < 60_000; waited += 100) await delay(100);
  if (alive(pid)) process.kill(pid, 'SIGKILL');
  // An engine that had to be killed leaves its mounts.
  for (const mount of mountsBelow(folder)) execFileSync('umount', ['-l', mount], { stdio: 'ignore' });
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    // What is left in a temporary folder fails no test.
    say(`${folder} could not be removed: ${error.message}`);
  }
}

/** The deepest first. */
function mountsBelow(folder) {
  const places = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return places.filter((place) => place.startsWith(`${folder}/`)).reverse();
}

function readPid(file) {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

function alive(pid) {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    // A zombie answers too, where nobody waits for it.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    return error.code === 'EPERM';
  }
}

const tail = (file) => readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
