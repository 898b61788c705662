import { existsSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { AssayError, nexusEndpoint } from '../contract';
import { waitForAnswer } from './health';
import { lockHolder, tryLock } from './lock';
import { boundLog, tail } from './logs';
import { metricsAddress } from './metricsAddress';
import { buildId, packageRoot, packageVersion, stackPaths } from './paths';
import { choosePorts } from './ports';
import { identifySelf, terminate } from './process';
import { trainerPython } from './python';
import { type ChildState, type Ports, readState, type StackState, writeState } from './state';
import { type Supervised, supervise } from './supervisor';
import { provideTemporal, registerSearchAttributes, serverArguments } from './temporal';

/** Name and script of each worker process. */
export type Workers = Record<string, string>;

export interface StackOptions {
  home: string;
  /** Default: the pools of dist/workers, and the HTTP API beside them. */
  workers?: Workers;
  onStep?: (step: string) => void;
}

/** A stack in this process: the server and the worker pools as children. */
export interface Stack {
  state: () => StackState;
  stop: () => Promise<void>;
  /** Resolves when the home folder was removed or taken over: the stack then has nothing left to serve. */
  abandoned: Promise<void>;
}

const namespace = 'default';
const serverStartMs = 60_000;
const workerGraceMs = 20_000;
const serverGraceMs = 10_000;
const watchEveryMs = 2000;

/** Starts all parts in order and keeps them running. Fails when another process runs the stack of this home. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const paths = stackPaths(options.home);
  const onStep = options.onStep ?? (() => {});
  mkdirSync(paths.folder, { recursive: true });
  const release = tryLock(paths.daemonLock);
  if (release === null) {
    const holder = lockHolder(paths.daemonLock)?.pid;
    throw new AssayError('Unsupported', `a stack for ${paths.home} runs already (process ${holder}); stop it with \`assay down\` first`);
  }
  const previous = readState(paths.state);
  if (previous !== null) await reap(previous.children);

  let ports = await choosePorts(previous?.ports ?? null);
  let phase: StackState['state'] = 'starting';
  const children: Supervised[] = [];
  const apiScript = options.workers === undefined ? join(packageRoot(), 'dist', 'src', 'cli', 'main.js') : null;
  let error: string | null = null;
  const startedAt = new Date().toISOString();
  const build = buildId();
  const state = (): StackState => ({
    schema: 'assay.stack/1',
    state: phase,
    daemon: identifySelf(),
    version: packageVersion(),
    build,
    ports,
    apiUrl: apiScript === null ? null : apiUrlOf(ports),
    namespace,
    startedAt,
    children: children.map((child) => child.state()).filter((child): child is ChildState => child !== null),
    error,
  });
  const save = (): void => {
    // A removed home must stay removed.
    if (!existsSync(paths.folder)) return;
    try {
      writeState(paths.state, state());
    } catch (cause) {
      // A full disk must not end the stack: the next change writes the state again.
      console.error(`${paths.state} cannot be written: ${(cause as Error).message}`);
    }
  };
  const stop = async (end: StackState['state']): Promise<void> => {
    clearInterval(watch);
    phase = 'stopping';
    save();
    const [server, ...workers] = children;
    await Promise.all(workers.map((worker) => worker.stop(workerGraceMs)));
    await server?.stop(serverGraceMs);
    phase = end;
    save();
    release();
  };
  let abandon: () => void;
  const abandoned = new Promise<void>((done) => {
    abandon = done;
  });
  const watch = setInterval(() => {
    if (readState(paths.state)?.daemon.pid !== process.pid) abandon();
    else for (const name of ['daemon', ...children.map((child) => child.name)]) boundLog(paths.log(name));
  }, watchEveryMs);

  try {
    save();
    const binary = await provideTemporal({ onStep });
    onStep('starting the Temporal server');
    children.push(
      supervise({
        name: 'temporal',
        command: () => ({
          file: binary,
          args: serverArguments({ ports, database: paths.database, namespace }),
          env: withoutTemporal(process.env),
          cwd: paths.folder,
        }),
        log: paths.log('temporal'),
        onChange: save,
        // Until the first answer another process may have taken a port; later the ports are known to clients and stay.
        beforeRestart: async () => {
          if (phase === 'starting') ports = await choosePorts(ports);
        },
      }),
    );
    await serverReady(children[0] as Supervised, () => addressOf(ports), paths.log('temporal'));
    await registerSearchAttributes(binary, addressOf(ports), namespace);

    onStep('starting the worker pools');
    const env = await workerEnvironment(paths.home, ports, apiScript === null ? null : apiUrlOf(ports));
    for (const [place, [name, script]] of Object.entries(options.workers ?? defaultWorkers()).entries()) {
      const own = { ...env, ...metricsAddress(env, place) };
      const command = { file: process.execPath, args: ['--enable-source-maps', script], env: own, cwd: paths.home };
      children.push(supervise({ name, command: () => command, log: paths.log(name), onChange: save }));
    }
    if (apiScript !== null) {
      const args = ['--enable-source-maps', apiScript, 'serve', '--host', '127.0.0.1', '--port', String(ports.api)];
      const command = { file: process.execPath, args, env, cwd: paths.home };
      children.push(supervise({ name: 'api', command: () => command, log: paths.log('api'), onChange: save }));
    }
    phase = 'ready';
    save();
    return { state, stop: () => stop('stopped'), abandoned };
  } catch (cause) {
    error = (cause as Error).message;
    await stop('failed');
    throw cause;
  }
}

export function defaultWorkers(): Workers {
  const script = (name: string): string => join(packageRoot(), 'dist', 'workers', `${name}.js`);
  return { control: script('control'), gpu: script('gpu'), analysis: script('analysis') };
}

/** Ends what a killed daemon left behind: workers first, the server last. */
export async function reap(children: ChildState[]): Promise<void> {
  await Promise.all(children.filter((child) => child.name !== 'temporal').map((child) => terminate(child, workerGraceMs)));
  await Promise.all(children.filter((child) => child.name === 'temporal').map((child) => terminate(child, serverGraceMs)));
}

export const addressOf = (ports: Ports): string => `127.0.0.1:${ports.frontend}`;
const apiUrlOf = (ports: Ports): string => `http://127.0.0.1:${ports.api}`;
export const uiUrlOf = (ports: Ports): string => `http://127.0.0.1:${ports.ui}`;

async function serverReady(server: Supervised, address: () => string, log: string): Promise<void> {
  const deadline = performance.now() + serverStartMs;
  const hopeless = (): boolean => server.restarts() >= 3;
  while (performance.now() < deadline && !hopeless()) {
    const asked = address();
    if (await waitForAnswer(asked, 1000, () => hopeless() || address() !== asked)) return;
  }
  throw new AssayError(
    'ServerUnavailable',
    `the Temporal server did not start (${server.lastExit() ?? `no answer in ${serverStartMs / 1000} s`}); its last log lines (${log}):\n${tail(log)}`,
  );
}

async function workerEnvironment(home: string, ports: Ports, apiUrl: string | null): Promise<NodeJS.ProcessEnv> {
  return {
    ...withoutTemporal(process.env),
    TEMPORAL_ADDRESS: addressOf(ports),
    TEMPORAL_NAMESPACE: namespace,
    ASSAY_TEMPORAL_UI: uiUrlOf(ports),
    ...(apiUrl === null ? {} : { ASSAY_PUBLIC_URL: process.env.ASSAY_PUBLIC_URL || apiUrl }),
    ASSAY_NEXUS_ENDPOINT: nexusEndpoint,
    ASSAY_HOME: home,
    ASSAY_STORE: process.env.ASSAY_STORE || `file://${join(home, 'store')}`,
    ASSAY_HOST: process.env.ASSAY_HOST || hostname(),
    ASSAY_PYTHON: await trainerPython(),
  };
}

/** A user's Temporal profile or key is for another server than the embedded one. */
function withoutTemporal(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}
