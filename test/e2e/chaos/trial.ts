import { copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { Result, RunResult } from '../../../src/contract';
import { dockerForTests } from '../../docker/engine';
import { type Cluster, predictionsOf, stepsOf, until } from '../cluster';
import { type Writer, watchWriters, writers } from './writers';

/** Phases of a trainer's life in which something is killed. */
export const phases = ['starting', 'training', 'checkpointing', 'evaluating'] as const;
export type Phase = (typeof phases)[number];

/** At a pace of 29 ms, more than a minute. */
const usualSteps = 2100;
const script = 'paced.py';

/** The folder of the experiment: the training of examples/digits-torch at a pace. */
export function trainerFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'assay-chaos-'));
  copyFileSync(join(__dirname, script), join(folder, script));
  copyFileSync(join(__dirname, '..', '..', '..', 'examples', 'digits-torch', 'train.py'), join(folder, 'train.py'));
  return folder;
}

/** Two variants that are the same training of more than a minute: the undisturbed one is the measure of the other. */
const chaosSpec = (image: string, steps: number): string => `
name: chaos
data: {source: "builtin:digits", label: label, id: id}
runtime: {executor: docker, image: "${image}"}
training:
  command: [python, ${script}]
  code: [${script}, train.py]
  seeds: [1]
  budget: {steps: ${steps}}
  checkpointEvery: 4s
  params: {lr: 0.002, model: mlp, hidden: 32, pace: 0.029, linger: 1.5}
variants:
  - {name: undisturbed, control: true}
  - {name: disturbed}
evaluation: {metrics: [accuracy, training_seconds]}
`;

/** The engine that the tests share, with the image of the training. */
export async function chaosEngine(): Promise<{ docker: Docker; image: string; env: Record<string, string> }> {
  const { host, torch } = await dockerForTests();
  return { docker: new Docker({ socketPath: host.slice('unix://'.length) }), image: await torch(), env: { DOCKER_HOST: host } };
}

export class Trial {
  readonly id: string;
  private readonly steps: number;
  private readonly cluster: Cluster;
  private readonly watch = watchWriters(script);

  static async start(cluster: Cluster, image: string, folder: string, steps = usualSteps): Promise<Trial> {
    return new Trial(cluster, await cluster.submit(chaosSpec(image, steps), folder), steps);
  }

  private constructor(cluster: Cluster, id: string, steps: number) {
    this.steps = steps;
    this.cluster = cluster;
    this.id = id;
  }

  /** The disturbed run's trainer, once it is in that phase (and, in training, past `step`). */
  async reaches(phase: Phase, step = 0): Promise<{ host: string; epoch: number; pid: number }> {
    let found: { host: string; epoch: number; pid: number } | null = null;
    await until(async () => {
      const writer = this.writer();
      if (!writer) return false;
      const host = this.hostOf(writer);
      const out = join(this.cluster.runs(host, this.id), 'disturbed', 'seed-1', `epoch-${writer.epoch}`, 'out');
      if (!existsSync(join(out, 'phase')) || readFileSync(join(out, 'phase'), 'utf8') !== phase) return false;
      if (step > 0 && lastStep(join(out, 'events.jsonl')) < step) return false;
      found = { host, epoch: writer.epoch, pid: writer.pid };
      return true;
    }, 240_000);
    return found as unknown as { host: string; epoch: number; pid: number };
  }

  /** Kills the disturbed run's container and waits until it is gone: what follows strikes between two trainers. */
  async killContainer(docker: Docker): Promise<void> {
    const epoch = this.writer()?.epoch;
    const label = [`assay.experiment=${this.id}`, 'assay.variant=disturbed', `assay.epoch=${epoch}`];
    const [found] = await docker.listContainers({ filters: { label } });
    if (!found) throw new Error(`no container of epoch ${epoch} runs`);
    await docker.getContainer(found.Id).kill();
    await until(async () => this.writer()?.epoch !== epoch, 10_000);
  }

  writer(): Writer | undefined {
    return writers(script).find(({ run }) => run === `${this.id}/disturbed/seed-1`);
  }

  /** It ended well, as if nothing had happened, and nothing of it is left, once `comeBack` has brought back the host that was away. */
  async expectWhole(docker: Docker, comeBack: () => void = () => undefined): Promise<RunResult> {
    const { result } = await this.cluster.result(this.id);
    this.watch.stop();
    const run = runOf(result, 'disturbed');
    expect(run).toMatchObject({ status: 'done', steps: this.steps });
    expect(this.watch.looks()).toBeGreaterThan(100);
    expect(this.watch.doubled).toEqual([]);
    expect(await stepsOf(this.cluster.store, result, 'disturbed', 1)).toEqual(Array.from({ length: this.steps }, (_, i) => i + 1));
    expect(predictionsOf(result, 'disturbed', 1)).toBe(predictionsOf(result, 'undisturbed', 1));
    expect(runOf(result, 'undisturbed').seconds).toBeGreaterThan(60);
    comeBack();
    await until(async () => {
      const left = await docker.listContainers({ all: true, filters: { label: [`assay.experiment=${this.id}`] } });
      const leases = (await this.cluster.pool()).leases.filter(({ lease }) => lease.holder.includes(this.id));
      return left.length === 0 && leases.length === 0;
    }, 120_000);
    return run;
  }

  end(): void {
    this.watch.stop();
  }

  private hostOf(writer: Writer): string {
    const inside = readFileSync(`/proc/${writer.pid}/mountinfo`, 'utf8');
    const host = readdirSync(this.cluster.dir).find((name) => inside.includes(`/${name}/runs/${this.id}/`));
    if (host === undefined) throw new Error(`the trainer ${writer.pid} is on no host of this cluster`);
    return host;
  }
}

export function runOf(result: Result, variant: string): RunResult {
  const run = result.variants.find((v) => v.name === variant)?.runs[0];
  if (!run) throw new Error(`no run of ${variant}: ${JSON.stringify(result.verdict)}`);
  return run;
}

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });

function lastStep(path: string): number {
  const steps = existsSync(path) ? [...readFileSync(path, 'utf8').matchAll(/"step": ?(\d+)/g)] : [];
  return Number(steps.at(-1)?.[1] ?? 0);
}
