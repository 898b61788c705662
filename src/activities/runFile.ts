import { delimiter, dirname, isAbsolute, join, posix, relative, sep } from 'node:path';
import {
  AssayError,
  containerPaths,
  type Lease,
  type Remedy,
  type ResolvedSpec,
  type RunFile,
  type RunKey,
  type Snapshot,
} from '../contract';
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
  /** The restored checkpoint on this host, or null. */
  resume: string | null;
  /** Another run's checkpoint on this host, or null; nothing where the run resumes its own. */
  warmStart: string | null;
  usedSeconds: number;
  /** The managed Python, or null to use what PATH has. Nothing to a container. */
  python: string | null;
  /** Folder of the `assay_runtime` package. Nothing to a container, whose image has its own. */
  runtimeDir: string;
  lease: Lease;
  remedy: Remedy;
}

type Places = Pick<RunFile, 'model' | 'resume' | 'warmStart' | 'checkpoints' | 'out'> & { data: Pick<RunFile['data'], 'dir' | 'splits'> };

/**
 * What one start of a trainer is given: `run.json`, the command, its folder and its environment. `mounts` are the folders of this host
 * that a container reads, each at its place in `containerPaths`.
 */
export function runFileFor(inputs: Inputs) {
  const { spec, snapshot, key, mode, epoch, usedSeconds, lease, remedy } = inputs;
  const { training, evaluation, runtime } = spec;
  const docker = runtime.executor === 'docker';
  // Ranks share a training; a model is evaluated and timed by one process.
  const worldSize = mode === 'train' ? runtime.processes : 1;
  const { data, ...places } = docker ? placesInContainer(inputs) : placesOnHost(inputs);
  const runFile: RunFile = {
    contract: 1,
    mode,
    experiment: key.experimentId,
    variant: key.variant,
    seed: key.seed,
    epoch,
    params: effectiveParams(spec, key.variant),
    budget: {
      epochs: training.budget.epochs ?? null,
      steps: training.budget.steps ?? null,
      wallClockSeconds: training.budget.wallClock === undefined ? null : seconds(training.budget.wallClock),
      usedSeconds,
    },
    batchSize: training.batchSize,
    // Over all ranks, as the batch size.
    microBatchSize: Math.max(worldSize, Math.ceil(training.batchSize / remedy.microBatchDivisor)),
    evaluationBatchSize: evaluation.batchSize,
    precision: remedy.precision ?? training.precision,
    gradientCheckpointing: remedy.gradientCheckpointing,
    device: lease.devices.length > 0 ? 'cuda' : 'cpu',
    devices: lease.devices.map(({ uuid }) => uuid),
    worldSize,
    deterministic: true,
    data: { label: snapshot.label, id: snapshot.id, unit: snapshot.unit, classes: snapshot.classes, ...data },
    ...places,
    checkpointEverySeconds: seconds(training.checkpointEvery),
    graceSeconds,
    warmupSteps: evaluation.warmupSteps,
    latencyBlocks: evaluation.latency.blocks,
  };
  const command = mode === 'train' ? training.command : (evaluation.command ?? training.command);
  const threads = threadsOf(Math.max(1, Math.floor(runtime.cpus / worldSize)));
  return {
    runFile,
    command: worldSize > 1 ? launched(command, worldSize) : command,
    cwd: docker ? containerPaths.code : spec.root,
    env: docker ? threads : { ...threads, ...environmentOfHost(inputs) },
    mounts: { data: dataRoot(inputs), resume: inputs.resume ?? inputs.warmStart, model: modelOf(inputs) },
  };
}

function placesOnHost(inputs: Inputs): Places {
  const { data, dir, resume, warmStart } = inputs;
  return {
    model: modelOf(inputs),
    data: { dir: data.dir, splits: data.splits },
    resume,
    warmStart: resume === null ? warmStart : null,
    checkpoints: join(dir, 'checkpoints'),
    out: join(dir, 'out'),
  };
}

function placesInContainer(inputs: Inputs): Places {
  const { data, mode, resume, warmStart } = inputs;
  const inside = (path: string): string => posix.join(containerPaths.data, relative(dataRoot(inputs), path).split(sep).join('/'));
  return {
    // Latency is that of a model: a trained one, or the spec's.
    model: mode === 'latency' || modelOf(inputs) !== null ? containerPaths.model : null,
    data: {
      dir: inside(data.dir),
      splits: { train: inside(data.splits.train), validation: inside(data.splits.validation), test: inside(data.splits.test) },
    },
    resume: resume === null ? null : containerPaths.resume,
    // A run resumes its own checkpoint or starts from another's: there is one place for either.
    warmStart: resume === null && warmStart !== null ? containerPaths.resume : null,
    checkpoints: containerPaths.checkpoints,
    out: containerPaths.out,
  };
}

/** The folder of a materialised snapshot, which holds the data and the splits. */
const dataRoot = ({ data }: Inputs): string => dirname(data.dir);

/** An already trained model on this host. */
function modelOf({ spec, key }: Inputs): string | null {
  const variant = spec.variants.find((v) => v.name === key.variant);
  if (!variant) throw new Error(`the spec has no variant ${key.variant}`);
  if (variant.model === undefined) return null;
  return isAbsolute(variant.model) ? variant.model : join(spec.root, variant.model);
}

/** Ranks are started by our launcher, under the interpreter that the command names. */
function launched([python = '', ...rest]: readonly string[], processes: number): string[] {
  if (!/^(?:.*\/)?python[\d.]*$/.test(python)) {
    throw new AssayError(
      'SpecInvalid',
      `runtime.processes is ${processes}, and ranks are started by python -m assay_runtime.launch: expected a training.command that begins with python, got ${python || 'none'}. Name a Python trainer; or write processes: 1, and let the command start its ranks itself.`,
    );
  }
  return [python, '-m', 'assay_runtime.launch', '--processes', String(processes), '--', ...rest];
}

function threadsOf(count: number): Record<string, string> {
  const threads = String(count);
  return { PYTHONHASHSEED: '0', OMP_NUM_THREADS: threads, OPENBLAS_NUM_THREADS: threads, MKL_NUM_THREADS: threads };
}

function environmentOfHost({ python, runtimeDir, lease }: Inputs): Record<string, string> {
  const path = process.env.PATH ?? '/usr/bin:/bin';
  const pinned = lease.devices.flatMap(({ sharing, memoryBytes }, index) =>
    sharing === 'mps' && memoryBytes !== null ? [`${index}=${Math.floor(memoryBytes / 2 ** 20)}M`] : [],
  );
  return {
    PATH: python ? `${dirname(python)}${delimiter}${path}` : path,
    PYTHONPATH: runtimeDir,
    // Empty hides the devices of the host: a trainer without a lease must not compute on another's.
    CUDA_VISIBLE_DEVICES: lease.devices.map(({ uuid }) => uuid).join(','),
    ...(pinned.length > 0 ? { CUDA_MPS_PINNED_DEVICE_MEM_LIMIT: pinned.join(',') } : {}),
  };
}

/** Time a trainer has for a last checkpoint, seconds. */
export const graceSeconds = 20;
