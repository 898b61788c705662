import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Docker from 'dockerode';

interface Options {
  /** The engine whose images it gets. */
  from: string;
  /** Only this one, copied; without it all of them, in a few seconds whatever their size. */
  image?: string;
  liveRestore?: boolean;
}

/** A daemon that a test may kill. */
export class OwnEngine {
  readonly host: string;
  readonly docker: Docker;
  private readonly folder: string;
  private readonly socketFolder = mkdtempSync(join(tmpdir(), 'assay-socket-'));
  private child: ChildProcess | null = null;

  static async start({ from, image, liveRestore = false }: Options): Promise<OwnEngine> {
    if (process.getuid?.() !== 0) throw new Error('a daemon that may be killed is started by root only');
    const source = new Docker({ socketPath: from.replace('unix://', '') });
    const root = ((await source.info()) as { DockerRootDir: string }).DockerRootDir;
    // Links need the same file system.
    const engine = new OwnEngine(mkdtempSync(join(image === undefined ? dirname(root) : tmpdir(), 'assay-engine-')));
    if (image === undefined) linkImages(root, join(engine.folder, 'data'));
    await engine.up({ liveRestore });
    if (image !== undefined) {
      const loading = await engine.docker.loadImage(await source.getImage(image).get());
      loading.resume();
      await once(loading, 'end');
    }
    return engine;
  }

  private constructor(folder: string) {
    this.folder = folder;
    const socketPath = join(this.socketFolder, 'docker.sock');
    this.host = `unix://${socketPath}`;
    this.docker = new Docker({ socketPath });
  }

  async up({ liveRestore }: { liveRestore: boolean }): Promise<void> {
    const at = (name: string): string => join(this.folder, name);
    const log = openSync(at('log'), 'a');
    rmSync(at('pid'), { force: true });
    const args = ['--data-root', at('data'), '--exec-root', join(this.socketFolder, 'exec'), '--pidfile', at('pid'), '-H', this.host];
    const options = ['--bridge=none', '--iptables=false', ...(liveRestore ? ['--live-restore'] : [])];
    // In a network of its own: without a bridge it would take away that of the engine beside it.
    this.child = spawn('unshare', ['--net', 'dockerd', ...args, ...options], {
      stdio: ['ignore', log, log],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    });
    for (const end = Date.now() + 60_000; Date.now() < end && this.child.exitCode === null; await sleep(100)) {
      if (await answers(this.docker)) return;
    }
    throw new Error(`the daemon did not start:\n${readFileSync(at('log'), 'utf8').split('\n').slice(-15).join('\n')}`);
  }

  /** SIGKILL to the daemon, with which its containerd dies; containers live on. */
  async kill(): Promise<void> {
    await end(this.child, 'SIGKILL');
    for (const until = Date.now() + 10_000; containerdsOf(this.socketFolder).length > 0 && Date.now() < until; ) await sleep(50);
    // One that nobody has reaped yet would be taken for alive.
    rmSync(join(this.socketFolder, 'exec', 'containerd', 'containerd.pid'), { force: true });
  }

  async stop(): Promise<void> {
    if (await answers(this.docker)) {
      for (const { Id } of await this.docker.listContainers({ all: true })) await this.docker.getContainer(Id).remove({ force: true });
    }
    await end(this.child, 'SIGKILL');
    for (const pid of containerdsOf(this.socketFolder)) process.kill(pid, 'SIGKILL');
    const mounts = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter((path) => path.startsWith(this.folder) || path.startsWith(this.socketFolder));
    if (mounts.length > 0) execFileSync('sh', ['-c', 'umount -l "$@"', 'sh', ...mounts.reverse()]);
    for (const folder of [this.folder, this.socketFolder]) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Layers never change, so they are linked; only the tables that name them are copied. The source has its root mounted on itself, which
 * links cannot cross: in a view of its own the mount is taken away.
 */
function linkImages(root: string, data: string): void {
  mkdirSync(data, { recursive: true });
  // Layers of containers may vanish while they are linked; those of images do not.
  const script =
    'umount -l "$0" 2>/dev/null; cp -al "$0/overlay2" "$1/overlay2" 2>/dev/null; cp -a "$0/image" "$1/image" && rm -rf "$1/image/overlay2/layerdb/mounts"';
  execFileSync('unshare', ['--mount', 'sh', '-c', script, root, data], { stdio: ['ignore', 'ignore', 'inherit'], maxBuffer: 2 ** 26 });
}

const answers = (docker: Docker): Promise<boolean> =>
  docker.ping().then(
    () => true,
    () => false,
  );

async function end(child: ChildProcess | null, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

function containerdsOf(folder: string): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(
      (pid) => Number.isInteger(pid) && pid !== process.pid && commandOf(pid).startsWith('containerd') && commandOf(pid).includes(folder),
    );
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
