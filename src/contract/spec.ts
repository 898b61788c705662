import { z } from 'zod';
import { metricNames, type MetricName } from './metrics';

const name = z.string().regex(/^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/, 'lower-case letters, digits, ".", "_", "-"; at most 63');
const parameters = z.record(z.string(), z.unknown());
const metric = z.enum(metricNames as [MetricName, ...MetricName[]]);
const fraction = z.number().gt(0).lt(1);
const duration = z.string().regex(/^\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)$/, 'a duration such as 30s, 10m, 2h');
const percentOrNumber = z.union([z.number().nonnegative(), z.string().regex(/^\d+(?:\.\d+)?\s*%$/, 'a number, or a share such as "20%"')]);

/** `experiment.yaml` as a user writes it. Resolved (`z.output`) every default is filled in. */
export const ExperimentSpec = z.strictObject({
  name,
  hypothesis: z.string().optional(),
  data: z.strictObject({
    source: z.string().min(1),
    label: z.string().min(1).default('label'),
    id: z.string().min(1).optional(),
    unit: z.string().min(1).optional(),
    split: z
      .union([
        z.strictObject({
          test: fraction.default(0.2),
          validation: z.number().min(0).lt(1).default(0.1),
          by: z.enum(['unit', 'id']).optional(),
          seed: z.int().nonnegative().default(0),
        }),
        z.strictObject({ train: z.string(), validation: z.string().optional(), test: z.string() }),
      ])
      .prefault({}),
  }),
  runtime: z.strictObject({ executor: z.enum(['process']).default('process'), cpus: z.int().positive().default(1) }).prefault({}),
  training: z.strictObject({
    command: z.array(z.string().min(1)).min(1),
    seeds: z.array(z.int().nonnegative()).min(1).default([1, 2, 3, 4, 5]),
    batchSize: z.int().positive().default(64),
    precision: z.enum(['fp32']).default('fp32'),
    budget: z
      .strictObject({ epochs: z.int().positive().optional(), steps: z.int().positive().optional(), wallClock: duration.optional() })
      .prefault({}),
    checkpointEvery: duration.default('30s'),
    attempts: z.int().positive().max(100).default(5),
    params: parameters.default({}),
  }),
  variants: z
    .array(z.strictObject({ name, control: z.boolean().default(false), params: parameters.default({}), model: z.string().optional() }))
    .min(2),
  varies: z.array(z.string()).default([]),
  owner: z.string().optional(),
  evaluation: z
    .strictObject({
      command: z.array(z.string().min(1)).min(1).optional(),
      testRatio: z.number().gt(0).max(1).default(1),
      metrics: z.array(metric).min(1).default(['accuracy', 'f1_macro', 'auc_ovr', 'log_loss', 'latency_p95']),
      batchSize: z.int().positive().default(32),
      warmupSteps: z.int().nonnegative().default(100),
      latency: z.strictObject({ blocks: z.int().min(2).default(10), interleave: z.literal(true).default(true) }).prefault({}),
    })
    .prefault({}),
  checks: z
    .strictObject({
      srm: z.strictObject({ alpha: fraction.default(0.001) }).prefault({}),
      covariates: z.strictObject({ alpha: fraction.default(0.01), minEffect: z.number().min(0).max(1).default(0.1) }).prefault({}),
      drift: z.strictObject({ against: z.enum(['previous', 'none']).default('previous') }).prefault({}),
    })
    .prefault({}),
  analysis: z
    .strictObject({
      primary: metric.default('accuracy'),
      question: z.enum(['auto', 'artifact', 'algorithm']).default('auto'),
      test: z.enum(['superiority', 'non-inferiority', 'equivalence']).default('superiority'),
      margin: percentOrNumber.default(0),
      confidence: z.number().min(0.5).lt(1).default(0.95),
      resamples: z.int().min(1000).max(1_000_000).default(20_000),
      correction: z.enum(['holm', 'none']).default('holm'),
      guardrails: z
        .array(z.strictObject({ metric, maxIncrease: percentOrNumber.optional(), maxDecrease: percentOrNumber.optional() }))
        .default([]),
    })
    .prefault({}),
});

export type SpecInput = z.input<typeof ExperimentSpec>;
/** Resolved: every default is filled in; `root` is the folder relative paths start from. */
export type ResolvedSpec = z.output<typeof ExperimentSpec> & { root: string };
