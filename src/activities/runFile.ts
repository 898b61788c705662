import { delimiter, dirname, isAbsolute, join } from 'node:path';
import type { ResolvedSpec, RunFile, RunKey, Snapshot } from '../contract';
import { effectiveParams, seconds } from '../contract/specValues';

interface Inputs {
  spec: ResolvedSpec;
  snapshot: Snapshot;
  data: { dir: string; splits: RunFile['data']['splits'] };
  key: RunKey;
  /** The epoch's folder on this host. */
  dir: string;
  mode: RunFile['mode'];
  epoch: number;
  resume: string | null;
  usedSeconds: number;
  /** The managed Python, or null to use what PATH has. */
  python: string | null;
  /** Folder of the `assay_runtime` package. */
  runtimeDir: string;
}

/** What one start of a trainer is given: `run.json`, the command, its folder and its environment. */
export function runFileFor({ spec, snapshot, data, key, dir, mode, epoch, resume, usedSeconds, python, runtimeDir }: Inputs) {
  const variant = spec.variants.find((v) => v.name === key.variant);
  if (!variant) throw new Error(`the spec has no variant ${key.variant}`);
  const { training, evaluation } = spec;
  const runFile: RunFile = {
    contract: 1,
    mode,
    experiment: key.experimentId,
    variant: key.variant,
    seed: key.seed,
    epoch,
    params: effectiveParams(spec, key.variant),
    model: variant.model === undefined ? null : isAbsolute(variant.model) ? variant.model : join(spec.root, variant.model),
    budget: {
      epochs: training.budget.epochs ?? null,
      steps: training.budget.steps ?? null,
      wallClockSeconds: training.budget.wallClock === undefined ? null : seconds(training.budget.wallClock),
      usedSeconds,
    },
    batchSize: training.batchSize,
    microBatchSize: training.batchSize,
    evaluationBatchSize: evaluation.batchSize,
    precision: training.precision,
    gradientCheckpointing: false,
    device: 'cpu',
    devices: [],
    worldSize: 1,
    deterministic: true,
    data: { dir: data.dir, label: snapshot.label, id: snapshot.id, unit: snapshot.unit, classes: snapshot.classes, splits: data.splits },
    resume,
    checkpoints: join(dir, 'checkpoints'),
    out: join(dir, 'out'),
    checkpointEverySeconds: seconds(training.checkpointEvery),
    graceSeconds,
    warmupSteps: evaluation.warmupSteps,
    latencyBlocks: evaluation.latency.blocks,
  };
  const command = mode === 'train' ? training.command : (evaluation.command ?? training.command);
  const threads = String(spec.runtime.cpus);
  const path = process.env.PATH ?? '/usr/bin:/bin';
  const env: Record<string, string> = {
    PATH: python ? `${dirname(python)}${delimiter}${path}` : path,
    PYTHONPATH: runtimeDir,
    PYTHONHASHSEED: '0',
    OMP_NUM_THREADS: threads,
    OPENBLAS_NUM_THREADS: threads,
    MKL_NUM_THREADS: threads,
  };
  return { runFile, command, cwd: spec.root, env };
}

/** Time a trainer has for a last checkpoint, seconds. */
export const graceSeconds = 20;
