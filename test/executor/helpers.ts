import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChildProcess, spawn } from 'node:child_process';
import type { RunFile } from '../../src/contract';
import {
  createProcessExecutor,
  supervise as superviseAny,
  type SuperviseInput,
  type SuperviseResult,
  type TrainerStart,
} from '../../src/executor';

const made: string[] = [];

export const processes = createProcessExecutor();

export const supervise = (input: Omit<SuperviseInput, 'executor'>): Promise<SuperviseResult> =>
  superviseAny({ executor: processes, ...input });

/** A folder of a run; everything that was started in it is killed by `cleanUp`. */
export function newRunDir(): string {
  const dir = join(mkdtempSync(join(tmpdir(), 'assay-executor-')), 'exp', 'mlp', 'seed-1');
  made.push(dir);
  return dir;
}

export async function cleanUp(): Promise<void> {
  for (const dir of made.splice(0)) {
    await processes.stopRun(dir, { graceSeconds: 0 });
    rmSync(join(dir, '..', '..', '..'), { recursive: true, force: true });
  }
}

export function runFile(dir: string, overrides: Partial<RunFile> = {}): RunFile {
  return {
    contract: 1,
    mode: 'train',
    experiment: 'exp',
    variant: 'mlp',
    seed: 1,
    epoch: 1,
    params: {},
    model: null,
    budget: { epochs: null, steps: null, wallClockSeconds: null, usedSeconds: 0 },
    batchSize: 8,
    microBatchSize: 8,
    evaluationBatchSize: 8,
    precision: 'fp32',
    gradientCheckpointing: false,
    device: 'cpu',
    devices: [],
    worldSize: 1,
    deterministic: true,
    data: { dir: '/', label: 'label', id: 'id', unit: null, classes: ['0', '1'], splits: { train: '', validation: '', test: '' } },
    resume: null,
    warmStart: null,
    checkpoints: join(dir, 'checkpoints'),
    out: join(dir, 'out'),
    checkpointEverySeconds: 30,
    graceSeconds: 20,
    warmupSteps: 0,
    latencyBlocks: 4,
    ...overrides,
  };
}

export function start(runDir: string, epoch: number, params: Record<string, unknown> = {}, overrides: Partial<RunFile> = {}): TrainerStart {
  const dir = join(runDir, `epoch-${epoch}`);
  return {
    dir,
    runFile: runFile(dir, { epoch, params, ...overrides }),
    command: [process.execPath, join(__dirname, 'fixtures', 'trainer.mjs')],
    cwd: __dirname,
  };
}

/** Waits on a condition; what it gives when it is neither false nor null. */
export async function until<T>(what: string, look: () => T | null | false | undefined, seconds = 30): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(10)) {
    const value = look();
    if (value) return value;
  }
  throw new Error(`waited ${seconds} s for ${what}`);
}

export function stepsOf(text: string): number[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { step: number }).step);
}

export const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

export const readText = (...path: string[]): string => readFileSync(join(...path), 'utf8');

/** A supervisor in a process of its own; it begins when told. */
export async function supervisor(
  trainer: TrainerStart,
  name: string,
): Promise<{ child: ChildProcess; said: Record<string, unknown>[]; go: () => void }> {
  const file = join(tmpdir(), `assay-start-${process.pid}-${name}.json`);
  writeFileSync(file, JSON.stringify(trainer));
  const child = spawn(process.execPath, [join(__dirname, 'fixtures', 'supervisor.cjs'), file], { stdio: ['pipe', 'pipe', 'inherit'] });
  const said: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    said.push(...lines.map((line) => JSON.parse(line) as Record<string, unknown>));
  });
  await until('the supervisor', () => said.some((line) => line.ready));
  rmSync(file);
  return { child, said, go: () => child.stdin.write('\n') };
}
