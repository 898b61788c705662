// What the benchmarks of containers share: the trainer and its spec, one start as the executor gets it, the same by `docker run`, CPU use.
import { copyFileSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { compiled, root, stackUsage, storeOf, usageOf, writeSpec } from './harness.mjs';

const { noRemedy, refNames } = compiled('contract');

/** The image of the first argument, by id or digest; it has PyTorch and assay_runtime. */
export function imageArgument(script) {
  const image = process.argv[2];
  if (image !== undefined && /(^|@)sha256:[0-9a-f]{64}$/.test(image)) return image;
  console.error(
    `usage: node bench/${script} IMAGE ...\nIMAGE as sha256:... or name@sha256:...; one is made by: node scripts/image.mjs --extras torch --quiet`,
  );
  process.exit(2);
}

/** `measured` trains with these parameters; the control, which every experiment has, as fast as it can. */
export function containerSpec(home, { name, image, steps, params, checkpointEvery = '5s' }) {
  const file = writeSpec(home, {
    name,
    runtime: { executor: 'docker', image, cpus: 1, memory: '2GiB' },
    training: {
      command: ['python', 'timed_container.py'],
      code: ['timed_container.py', 'train.py'],
      ...{ seeds: [1], batchSize: 64, budget: { steps }, checkpointEvery, params: { lr: 0.002 } },
    },
    variants: [
      { name: 'quick', control: true, params: { model: 'mlp', hidden: 8, pace: 0 } },
      { name: 'measured', params },
    ],
    varies: [...new Set(['model', 'hidden', 'pace', ...Object.keys(params)])],
  });
  copyFileSync(join(root, 'bench', 'lib', 'timed_container.py'), join(home, 'specs', 'timed_container.py'));
  copyFileSync(join(root, 'examples', 'digits-torch', 'train.py'), join(home, 'specs', 'train.py'));
  return file;
}

/** Everything that `executor.start` is given for `measured`, on the snapshot that an experiment of this spec has made. */
export async function startOf(home, file, dir) {
  const { spec } = await compiled('cli/run').readSpec(file, {});
  const store = storeOf(home);
  const { value: snapshotRef } = await store.refs.get(refNames.latestSnapshot(spec.name));
  const data = await compiled('data').materialise({ snapshotRef, store, dir: join(home, 'cache', 'snapshots') });
  const ref = await compiled('client').snapshotCode(store, spec);
  const code = await compiled('activities/code').materialiseCode(store, ref, join(home, 'bench-code'));
  const [, experimentId, variant, seed, epoch] = /([^/]+)\/([^/]+)\/seed-(\d+)\/epoch-(\d+)$/.exec(dir);
  const lease = { leaseId: 'bench', requestId: 'bench', holder: 'bench', host: 'bench', devices: [], model: 'cpu', exclusiveHost: false };
  const { mounts, ...start } = compiled('activities/runFile').runFileFor({
    ...{
      spec,
      snapshot: data.snapshot,
      data,
      key: { experimentId, variant, seed: Number(seed) },
      dir,
      mode: 'train',
      epoch: Number(epoch),
    },
    ...{ resume: null, warmStart: null, usedSeconds: 0, python: null, runtimeDir: '', lease, remedy: noRemedy },
  });
  const image = await compiled('executor').resolveImage(spec.runtime.image);
  const container = compiled('activities/container').containerFor({ spec, image, lease, code, mounts });
  return { ...start, dir, limits: { cpus: spec.runtime.cpus }, container };
}

/** `docker run` of the same image, mounts, user and limits; `hardened: false` leaves out what only keeps the trainer in its place. */
export async function dockerRun(start, name, { hardened = true } = {}) {
  const { prepareFolders, settingsOf } = compiled('executor/docker/settings');
  const facts = await compiled('executor/docker/health').factsOf(compiled('executor/docker/engine').connect());
  mkdirSync(start.dir, { recursive: true });
  prepareFolders(start, facts);
  const { Image, Entrypoint, WorkingDir, User, Env, StopTimeout, HostConfig: of } = settingsOf(start, start.container, facts);
  const [program, ...args] = Entrypoint;
  const guards = {
    ...{ 'read-only': true, 'cap-drop': 'ALL', 'security-opt': 'no-new-privileges', init: true, 'no-healthcheck': true },
    ...{ 'pids-limit': of.PidsLimit, 'oom-score-adj': of.OomScoreAdj, ipc: of.IpcMode, 'stop-timeout': StopTimeout },
    ...{ memory: of.Memory, 'memory-swap': of.MemorySwap, 'shm-size': of.ShmSize },
    tmpfs: Object.entries(of.Tmpfs).map(([path, options]) => `${path}:${options}`),
    'log-driver': of.LogConfig.Type,
    'log-opt': Object.entries(of.LogConfig.Config).map(([key, value]) => `${key}=${value}`),
  };
  const flags = {
    ...{ name, user: User, workdir: WorkingDir, cpus: of.NanoCpus / 1e9, network: of.NetworkMode, env: Env, entrypoint: program },
    mount: of.Mounts.map(({ Source, Target, ReadOnly }) => `type=bind,src=${Source},dst=${Target}${ReadOnly ? ',readonly' : ''}`),
    ...(hardened ? guards : {}),
  };
  const written = Object.entries(flags).flatMap(([flag, values]) => [values].flat().map((value) => `--${flag}=${value}`));
  return ['run', ...written, Image, ...args];
}

/** Reads the CPU seconds so far by process: the stack's, the host's guard, the engine's daemons. */
export function supervisionCpu(home) {
  const engine = enginePids();
  return async () => {
    const stack = Object.fromEntries(Object.entries(await stackUsage(home)).map(([name, { cpu }]) => [name, cpu]));
    return { ...stack, guard: guardCpu(home), engine: engine.reduce((sum, pid) => sum + usageOf(pid).cpu, 0) };
  };
}

/** Takes `read()` twice a second; `share` is then what it grew by between two moments, % of one core by name. */
export function sampler(read) {
  const taken = [];
  const look = () =>
    read().then(
      (usage) => taken.push({ usage, at: Date.now() }),
      // A process that ends while it is read.
      () => {},
    );
  const timer = setInterval(() => void look(), 500);
  return {
    stop: () => clearInterval(timer),
    share({ first, last }) {
      const inside = taken.filter(({ at }) => at >= first && at <= last);
      const [a, b] = [inside[0], inside.at(-1)];
      if (a === undefined || a === b) throw new Error('the training was too short to be sampled: give more steps');
      return Object.fromEntries(Object.keys(a.usage).map((name) => [name, ((b.usage[name] - a.usage[name]) / (b.at - a.at)) * 1e5]));
    },
  };
}

/** dockerd and containerd of the engine that DOCKER_HOST names, where their processes can be seen here. */
function enginePids() {
  const socket = (process.env.DOCKER_HOST ?? '').replace(/^unix:\/\//, '');
  const all = processes();
  const daemons = all.filter(({ comm }) => comm === 'dockerd');
  const daemon =
    daemons.find(({ command }) => socket !== '' && command.includes(socket)) ?? (daemons.length === 1 ? daemons[0] : undefined);
  const containerds = all.filter(({ comm }) => comm === 'containerd');
  const own = containerds.find(({ parent }) => parent === daemon?.pid) ?? (containerds.length === 1 ? containerds[0] : undefined);
  return [daemon, own].flatMap((found) => (found === undefined ? [] : [found.pid]));
}

function guardCpu(home) {
  const { guardLock } = compiled('activities/hostFiles').hostFiles(home);
  const pid = compiled('stack/lock').lockHolder(guardLock)?.pid;
  return pid === undefined ? 0 : usageOf(pid).cpu;
}

function processes() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [, comm, rest] = /^\d+ \((.*)\) (.*)$/s.exec(stat) ?? [];
        return [{ pid: Number(pid), comm, parent: Number(rest.split(' ')[1]), command: readFileSync(`/proc/${pid}/cmdline`, 'utf8') }];
      } catch {
        return [];
      }
    });
}
