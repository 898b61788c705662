import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';
import { AssayError } from '../../contract';

/** One engine as one home of assay sees it. */
export interface Engine {
  docker: Docker;
  /** Id of this home: containers of other homes are never touched. */
  instance: string;
  /** How long an engine that does not answer is waited for, milliseconds. */
  patienceMs: number;
}

/** By DOCKER_HOST, else the socket of the system. */
export const connect = (): Docker => new Docker();

/** A daemon that hangs must not hang its callers. */
export const within = (seconds: number): { abortSignal: AbortSignal } => ({ abortSignal: AbortSignal.timeout(seconds * 1000) });

/** The same for a call that takes no signal. */
export async function timed<T>(seconds: number, answer: Promise<T>): Promise<T> {
  const over = new AbortController();
  const late = sleep(seconds * 1000, undefined, { signal: over.signal }).then(() => {
    throw new DOMException(`no answer within ${seconds} s`, 'TimeoutError');
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    late.catch(() => {});
    over.abort();
  }
}

export const statusOf = (error: unknown): number | null => (error as { statusCode?: number } | null)?.statusCode ?? null;

/** The daemon's own words, or the system's. */
export function reasonOf(error: unknown): string {
  const { json, message, code } = error as { json?: { message?: string }; message?: string; code?: string };
  return (json?.message ?? (message || code) ?? String(error)).trim();
}

/** The daemon did not answer, or not as one that works: it may be starting again. */
export function isAway(error: unknown): boolean {
  const { code, name, message = '' } = error as { code?: string | number; name?: string; message?: string };
  const status = statusOf(error);
  if (status !== null) return status === 503 || (status === 500 && /containerd|transport is closing|shutting down/.test(reasonOf(error)));
  return (
    (typeof code === 'string' && awayCodes.has(code)) || name === 'AbortError' || name === 'TimeoutError' || /socket hang up/.test(message)
  );
}

const awayCodes = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ABORT_ERR', 'ENOTFOUND', 'EHOSTUNREACH']);

/** Calls until the daemon answers or patience ends; what it answers, also an error, is the caller's. */
export async function waitOut<T>(
  engine: Engine,
  call: () => Promise<T>,
  { patienceMs = engine.patienceMs, onMessage = () => {}, signal }: Waiting = {},
): Promise<T> {
  const begin = performance.now();
  for (let waited = false; ; waited = true) {
    const answer = await call().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    if ('value' in answer || !isAway(answer.error)) {
      if (waited) onMessage('');
      if ('value' in answer) return answer.value;
      throw answer.error;
    }
    if (performance.now() - begin >= patienceMs) throw explain(answer.error, engine.docker);
    onMessage(awayMessage(answer.error, engine.docker));
    await sleep(500, undefined, signal ? { signal } : {});
  }
}

export interface Waiting {
  patienceMs?: number;
  onMessage?: (text: string) => void;
  signal?: AbortSignal;
}

export const awayMessage = (error: unknown, docker: Docker): string =>
  `the Docker daemon at ${socketOf(docker)} does not answer (${reasonOf(error)}); waiting`;

/** An error of the engine as one of ours, with the mend. */
export function explain(error: unknown, docker: Docker): AssayError {
  if (error instanceof AssayError) return error;
  const reason = reasonOf(error);
  const failure = (message: string): AssayError => new AssayError('ExecutorUnavailable', message, { cause: error });
  const { code } = error as { code?: string };
  if (code === 'EACCES' || code === 'EPERM') {
    return failure(
      `no permission on the Docker socket ${socketOf(docker)}: add this user to the group docker, or set DOCKER_HOST to an engine of its own`,
    );
  }
  if (isAway(error)) {
    return failure(`no Docker daemon answers at ${socketOf(docker)} (${reason}): start it, or set DOCKER_HOST to the one to use`);
  }
  if (/could not select device driver|unresolvable CDI|nvidia-container-cli|CDI device injection/.test(reason)) {
    return failure(
      `the Docker engine cannot give a container a GPU (${reason}): install the NVIDIA container toolkit on this host and restart Docker`,
    );
  }
  if (/no space left on device/.test(reason)) {
    return failure(`the disk of the Docker engine is full (${reason}): free space on it, e.g. by "docker system prune"`);
  }
  if (/No such image/i.test(reason)) return failure(`${reason}: pull or build it on this host`);
  return failure(`the Docker daemon refused: ${reason}`);
}

export function socketOf(docker: Docker): string {
  const { socketPath, host, port } = docker.modem as { socketPath?: unknown; host?: string; port?: string | number };
  if (typeof socketPath === 'string') return socketPath;
  return host === undefined ? '/var/run/docker.sock' : `${host}${port ? `:${port}` : ''}`;
}
