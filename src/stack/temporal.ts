import { execFile } from 'node:child_process';
import { accessSync, constants, createWriteStream, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { promisify } from 'node:util';
import { AssayError, searchAttributes } from '../contract';
import { withLock } from './lock';
import { cacheFolder } from './paths';
import type { Ports } from './state';

const run = promisify(execFile);

/** The newest command whose module builds with `go install`; its server is 1.29.1. */
export const temporalVersion = 'v1.5.1';

/** The `temporal` executable: ASSAY_TEMPORAL_BIN, else on the PATH, else in the cache; null when there is none. */
export function temporalBinary(env: NodeJS.ProcessEnv = process.env): string | null {
  if (env.ASSAY_TEMPORAL_BIN) {
    if (isExecutable(env.ASSAY_TEMPORAL_BIN)) return resolve(env.ASSAY_TEMPORAL_BIN);
    throw new AssayError(
      'ServerUnavailable',
      `ASSAY_TEMPORAL_BIN names ${env.ASSAY_TEMPORAL_BIN}, which is no executable file; correct or unset it`,
    );
  }
  const onPath = (env.PATH ?? '').split(delimiter).filter(Boolean);
  return [...onPath, cacheBin(env)].map((folder) => join(folder, 'temporal')).find(isExecutable) ?? null;
}

export interface ProvideOptions {
  env?: NodeJS.ProcessEnv;
  onStep?: (step: string) => void;
  /** Where ready-made servers are asked for. */
  downloads?: string;
}

/** Finds the server, else downloads it into the cache, else builds it there with Go (2-3 minutes). */
export async function provideTemporal({
  env = process.env,
  onStep = () => {},
  downloads = 'https://temporal.download',
}: ProvideOptions = {}): Promise<string> {
  const found = temporalBinary(env);
  if (found !== null) return found;
  return withLock(join(cacheBin(env), 'temporal.lock'), 15 * 60_000, async () => {
    const other = temporalBinary(env);
    if (other !== null) return other;
    const download = await attempt(() => downloadTemporal(env, downloads, onStep));
    if (download.error === null) return download.value;
    const built = await attempt(() => buildTemporal(env, onStep));
    if (built.error === null) return built.value;
    throw new AssayError(
      'ServerUnavailable',
      `no Temporal server: none is configured (TEMPORAL_ADDRESS), no \`temporal\` is on the PATH or in ${cacheBin(env)}; ` +
        `the download failed (${download.error}) and so did the build (${built.error}). Set TEMPORAL_ADDRESS to a running server, ` +
        'or install the Temporal command line (https://docs.temporal.io/cli), or install Go 1.24 or newer and run this again',
    );
  });
}

export interface ServerOptions {
  ports: Pick<Ports, 'frontend' | 'ui'>;
  database: string;
  namespace: string;
}

/** Arguments of the embedded server: loopback only, durable on SQLite, exact priorities and fairness. */
export function serverArguments({ ports, database, namespace }: ServerOptions): string[] {
  const dynamic = {
    // Server 1.29 ignores priorities without the new matcher, and orders them exactly on one partition only.
    'matching.useNewMatcher': true,
    'matching.enableFairness': true,
    'matching.numTaskqueueReadPartitions': 1,
    'matching.numTaskqueueWritePartitions': 1,
    'system.enableActivityEagerExecution': true,
    // Else a search attribute added to an old database is unknown for up to a minute.
    'system.forceSearchAttributesCacheRefreshOnRead': true,
  };
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(ports.frontend), '--ui-port', String(ports.ui)],
    ...['--db-filename', database, '--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=2'],
    ...['--namespace', namespace, '--log-level', 'warn', '--disable-config-file', '--disable-config-env'],
    ...Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...Object.entries(dynamic).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
  ];
}

/** Adds the search attributes that a database of an older version lacks; those it has stay as they are. */
export async function registerSearchAttributes(binary: string, address: string, namespace: string): Promise<void> {
  const attributes = Object.entries(searchAttributes).flatMap(([name, type]) => ['--name', name, '--type', type]);
  const connection = ['--address', address, '--namespace', namespace, '--disable-config-file', '--disable-config-env'];
  await run(binary, ['operator', 'search-attribute', 'create', ...attributes, ...connection], { timeout: 30_000 });
}

function cacheBin(env: NodeJS.ProcessEnv): string {
  return join(cacheFolder(env), 'bin');
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** The service that the SDK's own test server comes from. */
async function downloadTemporal(env: NodeJS.ProcessEnv, downloads: string, onStep: (step: string) => void): Promise<string> {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const question = `${downloads}/cli/${temporalVersion}?platform=${process.platform}&arch=${architecture}&format=tar.gz`;
  const answer = await fetch(question, { signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(`${question} answered ${answer.status}`);
  const { archiveUrl, fileToExtract } = (await answer.json()) as { archiveUrl: string; fileToExtract: string };
  onStep(`downloading the Temporal server ${temporalVersion}`);
  return intoCache(env, async (folder) => {
    const archive = await fetch(archiveUrl, { signal: AbortSignal.timeout(5 * 60_000) });
    if (!archive.ok || archive.body === null) throw new Error(`${archiveUrl} answered ${archive.status}`);
    await pipeline(Readable.fromWeb(archive.body as ReadableStream), createWriteStream(join(folder, 'archive.tar.gz')));
    await run('tar', ['-xzf', 'archive.tar.gz', fileToExtract], { cwd: folder });
    return join(folder, fileToExtract);
  });
}

async function buildTemporal(env: NodeJS.ProcessEnv, onStep: (step: string) => void): Promise<string> {
  await run('go', ['version'], { env }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error('Go is not installed') : error;
  });
  onStep(`building the Temporal server ${temporalVersion} with Go (2-3 minutes)`);
  return intoCache(env, async (folder) => {
    const module = `github.com/temporalio/cli/cmd/temporal@${temporalVersion}`;
    await run('go', ['install', module], { env: { ...env, GOBIN: folder }, maxBuffer: 64 * 1024 * 1024 });
    return join(folder, 'temporal');
  });
}

/** Makes the executable in a folder beside and renames it into place, so that a kill leaves no half one. */
async function intoCache(env: NodeJS.ProcessEnv, make: (folder: string) => Promise<string>): Promise<string> {
  mkdirSync(cacheBin(env), { recursive: true });
  const folder = mkdtempSync(join(cacheBin(env), '.making-'));
  try {
    const target = join(cacheBin(env), 'temporal');
    renameSync(await make(folder), target);
    return target;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<{ value: T; error: null } | { error: string }> {
  try {
    return { value: await work(), error: null };
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
    return { error: reason.trim().split('\n').slice(-3).join(' ') };
  }
}
