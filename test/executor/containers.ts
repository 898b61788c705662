import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { containerPaths, type RunFile } from '../../src/contract';
import { type ContainerSettings, createDockerExecutor, type Executor, type TrainerStart } from '../../src/executor';
import { labelNames } from '../../src/executor/docker/names';
import { runFile } from './helpers';

/** One home of assay on one engine, with a folder of its own; `end` removes both with all their containers. */
export class Home {
  readonly instance = `test-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  readonly docker: Docker;
  readonly executor: Executor;
  readonly folder = mkdtempSync(join(tmpdir(), 'assay-containers-'));
  private readonly image: string;

  constructor(host: string, image: string, { patienceMs = 60_000 }: { patienceMs?: number } = {}) {
    this.docker = new Docker({ socketPath: host.replace('unix://', '') });
    this.executor = createDockerExecutor({ instance: this.instance, docker: this.docker, patienceMs });
    this.image = image;
    // As a snapshot is: another user may read it.
    chmodSync(this.folder, 0o755);
    mkdirSync(join(this.folder, 'data'), { mode: 0o755 });
    writeFileSync(join(this.folder, 'data', 'rows.csv'), 'a,b\n');
    // Nothing but the mount keeps a trainer from writing to it.
    chmodSync(join(this.folder, 'data', 'rows.csv'), 0o666);
  }

  /** Folder of a run that nobody has begun. */
  newRunDir(): string {
    return join(mkdtempSync(join(this.folder, 'runs-')), 'exp', 'mlp', `seed-${(this.seeds += 1)}`);
  }
  private seeds = 0;

  start(
    runDir: string,
    epoch: number,
    params: Record<string, unknown> = {},
    { resume, ...settings }: Partial<ContainerSettings> & { resume?: string } = {},
    overrides: Partial<RunFile> = {},
  ): TrainerStart {
    const dir = join(runDir, `epoch-${epoch}`);
    const splits = { train: '', validation: '', test: '' };
    return {
      dir,
      runFile: {
        ...runFile(dir, { epoch, params, seed: Number(/\d+$/.exec(runDir)?.[0]), ...overrides }),
        out: containerPaths.out,
        checkpoints: containerPaths.checkpoints,
        resume: resume === undefined ? null : containerPaths.resume,
        data: { dir: containerPaths.data, label: 'b', id: null, unit: null, classes: ['0', '1'], splits },
      },
      command: ['python3', 'trainer.py'],
      cwd: containerPaths.code,
      container: {
        image: { reference: this.image, repoDigest: null, id: this.image },
        lease: 'lease-1',
        mounts: { data: join(this.folder, 'data'), code: join(__dirname, 'fixtures'), resume: resume ?? null, model: null },
        ...{ devices: [], cpus: 1, memoryBytes: 256 * 2 ** 20, shmBytes: 64 * 2 ** 20, network: false },
        ...settings,
      },
    };
  }

  /** Of this home, in whatever state. */
  async containers(): Promise<Docker.ContainerInfo[]> {
    return this.docker.listContainers({ all: true, filters: { label: [`${labelNames.home}=${this.instance}`] } });
  }

  async end(): Promise<void> {
    for (const { Id } of await this.containers()) await this.docker.getContainer(Id).remove({ force: true, v: true });
    rmSync(this.folder, { recursive: true, force: true });
  }
}
