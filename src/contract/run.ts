import { z } from 'zod';

/** `run.json`, version 1: what a trainer is given. Paths are absolute as the trainer sees them. */
export interface RunFile {
  contract: 1;
  mode: 'train' | 'evaluate' | 'latency';
  experiment: string;
  variant: string;
  seed: number;
  /** Number of the start of this run's trainer, from 1; the fence against late writers. */
  epoch: number;
  params: Record<string, unknown>;
  model: string | null;
  budget: { epochs: number | null; steps: number | null; wallClockSeconds: number | null; usedSeconds: number };
  batchSize: number;
  microBatchSize: number;
  evaluationBatchSize: number;
  precision: 'fp32' | 'tf32' | 'bf16' | 'fp16';
  gradientCheckpointing: boolean;
  device: 'cuda' | 'cpu';
  devices: string[];
  worldSize: number;
  deterministic: boolean;
  data: {
    dir: string;
    label: string;
    id: string | null;
    /** Column that says which unit a row belongs to; no feature either. */
    unit: string | null;
    classes: string[];
    /** Absolute paths of the split files; one JSON object a line: {id, label, row} or {id, label, path}. */
    splits: { train: string; validation: string; test: string };
  };
  resume: string | null;
  /** Another run's checkpoint: its weights alone, step 0 and everything else as in a fresh start. Null where `resume` is set. */
  warmStart: string | null;
  checkpoints: string;
  out: string;
  checkpointEverySeconds: number;
  graceSeconds: number;
  warmupSteps: number;
  latencyBlocks: number;
}

/** One line of `out/events.jsonl`; unknown keys are kept. */
export const TrainerEvent = z.looseObject({
  type: z.string(),
  step: z.int().nonnegative().optional(),
  epoch: z.number().optional(),
  loss: z.number().optional(),
  timestamp: z.string().optional(),
});
export type TrainerEvent = z.infer<typeof TrainerEvent>;

/** `out/result.json`: written last, by rename. */
export const TrainerResult = z.looseObject({
  metrics: z.record(z.string(), z.number()),
  steps: z.int().nonnegative(),
  samples: z.int().nonnegative(),
  environment: z.record(z.string(), z.unknown()),
});
export type TrainerResult = z.infer<typeof TrainerResult>;

/** One line of `out/latency.jsonl`. `ms` is the wall time of one batch. */
export const LatencyLine = z.looseObject({
  block: z.int().nonnegative(),
  step: z.int().nonnegative(),
  batch: z.int().positive(),
  ms: z.number().nonnegative(),
  warmup: z.boolean(),
  /** The device was throttled during the block: dropped and counted. */
  throttled: z.boolean().optional(),
});
export type LatencyLine = z.infer<typeof LatencyLine>;

export const exitCodes = { done: 0, yielded: 75, rejected: 78, deviceOutOfMemory: 86 } as const;

/** Where a container finds things; `run.json` then has these paths. All but out, checkpoints and tmp is read-only. */
export const containerPaths = {
  run: '/assay/run/run.json',
  data: '/assay/data',
  code: '/assay/code',
  resume: '/assay/resume',
  model: '/assay/model',
  checkpoints: '/assay/checkpoints',
  out: '/assay/out',
  tmp: '/tmp',
} as const;

/** An image as the experiment resolved it, once. */
export interface ResolvedImage {
  /** As the spec names it. */
  reference: string;
  /** `name@sha256:...`, what a registry calls it; null for an image that was only built on the host. */
  repoDigest: string | null;
  /** `sha256:...`, the engine's content address of its configuration. */
  id: string;
}

/** How a run is trained to fit the memory. Level 0 is as the spec says; each level is tried once, for every variant alike. */
export interface Remedy {
  level: number;
  /** The micro-batch is the batch size divided by this; gradients are accumulated, so that the effective batch stays. */
  microBatchDivisor: number;
  gradientCheckpointing: boolean;
  /** Null: as the spec says. */
  precision: RunFile['precision'] | null;
}

export const noRemedy: Remedy = { level: 0, microBatchDivisor: 1, gradientCheckpointing: false, precision: null };

/** "micro-batches of half the batch, gradient checkpointing and bf16"; empty where the training is as the spec says. */
export function remedyText({ microBatchDivisor, gradientCheckpointing, precision }: Remedy): string {
  const parts = [
    ...(microBatchDivisor === 1 ? [] : [`micro-batches of ${fractions[microBatchDivisor] ?? `1/${microBatchDivisor} of`} the batch`]),
    ...(gradientCheckpointing ? ['gradient checkpointing'] : []),
    ...(precision === null ? [] : [precision]),
  ];
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

const fractions: Record<number, string> = { 2: 'half', 4: 'a quarter of' };
