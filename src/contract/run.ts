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
});
export type LatencyLine = z.infer<typeof LatencyLine>;

export const exitCodes = { done: 0, yielded: 75, rejected: 78, deviceOutOfMemory: 86 } as const;
