import type { Problem } from './specProblems';
import type { Doubtful, Sections } from './specSections';
import { bytes } from './specValues';

/** Docker refuses a container with less. */
const leastMemory = 6 * 2 ** 20;

/** An image is named by its digest, for docker and for nothing else. */
export function imageOfExecutor({ runtime }: Sections, doubtful: Doubtful): Problem[] {
  if (runtime === undefined || doubtful('runtime', 'executor') || doubtful('runtime', 'image')) return [];
  const { executor, image } = runtime;
  const path = ['runtime', 'image'];
  if (executor === 'process') {
    const message = 'the process executor runs training.command on the host; write executor: docker, or leave image out';
    return image === undefined ? [] : [{ path, at: 'key', message }];
  }
  if (image === undefined) {
    return [{ path, at: 'key', message: 'missing; expected the image of the trainers as name@sha256:…, since the executor is docker' }];
  }
  if (/^(?:[^@\s]+@)?sha256:[0-9a-f]{64}$/.test(image)) return [];
  if (/(?:^|@)sha256:/.test(image)) {
    const message = `expected 64 digits 0-9, a-f after sha256:, got ${image.length - image.indexOf('sha256:') - 'sha256:'.length} characters`;
    return [{ path, at: 'value', message }];
  }
  const name = image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
  const message = `a tag can move; write ${name}@sha256:…; \`docker inspect --format '{{index .RepoDigests 0}}' ${image}\` shows it`;
  return [{ path, at: 'value', message, marker: { code: 'image-unpinned', value: image } }];
}

/** What the process executor cannot hold a trainer to, it does not pretend to. */
export function limitsOfContainer({ runtime, training }: Sections, doubtful: Doubtful): Problem[] {
  if (runtime === undefined || doubtful('runtime', 'executor')) return [];
  if (runtime.executor === 'docker') {
    if (runtime.memory === undefined || bytes(runtime.memory) >= leastMemory) return [];
    return [{ path: ['runtime', 'memory'], at: 'value', message: `expected at least 6MiB, which Docker asks for, got ${runtime.memory}` }];
  }
  const only = 'write executor: docker, or leave it out;';
  const keys = {
    memory: `${only} the process executor sets no memory limit`,
    shm: `${only} a process uses the shared memory of its host`,
    network: `${only} a process has the network of its host`,
  };
  return [
    ...(['memory', 'shm', 'network'] as const).flatMap((key): Problem[] =>
      runtime[key] === undefined ? [] : [{ path: ['runtime', key], at: 'key', message: keys[key] }],
    ),
    ...(training?.code === undefined
      ? []
      : [{ path: ['training', 'code'], at: 'key', message: `${only} a process sees the whole folder` } satisfies Problem]),
  ];
}

/** Keys about devices need one. */
export function devicesForKeys({ runtime, training }: Sections, doubtful: Doubtful): Problem[] {
  if (runtime === undefined || doubtful('runtime', 'gpus')) return [];
  const { gpus, gpuMemory, maxGpus, processes } = runtime;
  const none = 'expected runtime.gpus of at least 1, since this is about devices, got 0; set gpus, or leave it out';
  const problem = (key: string, message: string): Problem => ({ path: ['runtime', key], at: 'key', message });
  const problems: Problem[] = [];
  if (gpus === 0 && gpuMemory !== undefined) problems.push(problem('gpuMemory', none));
  if (gpus === 0 && maxGpus !== undefined) problems.push(problem('maxGpus', none));
  if (gpus > 0 && maxGpus !== undefined && maxGpus < gpus) {
    problems.push(problem('maxGpus', `expected at least ${gpus}, which one run holds by runtime.gpus, got ${maxGpus}`));
  }
  if (gpus > 0 && processes > gpus) {
    problems.push(problem('processes', `expected at most one a device, which are ${gpus} by runtime.gpus, got ${processes}`));
  }
  if (gpus === 0 && training?.precision === 'tf32' && !doubtful('training', 'precision')) {
    const message = 'tf32 is an arithmetic of GPUs; set runtime.gpus, or use fp32';
    problems.push({ path: ['training', 'precision'], at: 'value', message });
  }
  return problems;
}

/** Metrics that only a device has. */
export function devicesForMetrics({ runtime, evaluation }: Sections, doubtful: Doubtful): Problem[] {
  if (runtime === undefined || doubtful('runtime', 'gpus') || runtime.gpus > 0) return [];
  return (evaluation?.metrics ?? []).flatMap((metric, index): Problem[] => {
    if (!deviceMetrics.includes(metric) || doubtful('evaluation', 'metrics', index)) return [];
    const message = `${metric} is measured on devices, and runtime.gpus is 0; set gpus: 1, or leave it out`;
    return [{ path: ['evaluation', 'metrics', index], at: 'value', message }];
  });
}

const deviceMetrics: readonly string[] = ['gpu_utilization', 'gpu_hours', 'energy'];

/** Ranks that saw batches of different sizes would train another model than one rank does. */
export function batchForRanks({ runtime, training }: Sections, doubtful: Doubtful): Problem[] {
  if (runtime === undefined || training === undefined || doubtful('training', 'batchSize') || doubtful('runtime', 'processes')) return [];
  if (doubtful('runtime', 'gpus') || training.batchSize % runtime.processes === 0) return [];
  const message = `expected a multiple of ${runtime.processes}, the ranks that share a batch evenly, got ${training.batchSize}`;
  return [{ path: ['training', 'batchSize'], at: 'value', message }];
}

/** Ranks are started by the launcher of assay_runtime, under the interpreter that the command names. */
export function commandForRanks({ runtime, training }: Sections, doubtful: Doubtful): Problem[] {
  if (runtime === undefined || training === undefined || runtime.processes === 1) return [];
  if (doubtful('training', 'command') || doubtful('runtime', 'processes') || doubtful('runtime', 'gpus')) return [];
  const [program] = training.command;
  if (program === undefined || /^(?:.*\/)?python[\d.]*$/.test(program)) return [];
  const message = `expected python first, which starts the ${runtime.processes} ranks, got ${program}; or write runtime.processes: 1, and let the command start its ranks`;
  return [{ path: ['training', 'command'], at: 'value', message }];
}

/** Only what lies below the folder of the experiment file travels. */
export function codeInFolder({ training }: Sections): Problem[] {
  return (training?.code ?? []).flatMap((file, index): Problem[] => {
    if (!file.startsWith('/') && !file.split('/').includes('..')) return [];
    const message = `expected a path inside the folder of the experiment file, got ${file}; copy the file there`;
    return [{ path: ['training', 'code', index], at: 'value', message }];
  });
}
