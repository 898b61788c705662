import { z } from 'zod';
import { nameForm } from './ids';
import { metricNames, type MetricName } from './metrics';
import { eventTypes } from './notify';
import { qosClasses } from './pool';
import { largestModel } from './publish';
import { share } from './specValues';

export { bytes, effectiveParams, relativeOrAbsolute, retention, seconds } from './specValues';

/** NumPy and PyTorch take no larger seed. */
const largestSeed = 2 ** 32 - 1;

/** Text of a form; the words follow "expected". */
const worded = (form: RegExp, words: string) => z.string({ error: words }).regex(form, words);

const name = worded(nameForm, 'a name of lower-case letters, digits, ".", "_", "-", at most 63, a letter or digit at both ends');
const text = z.string().min(1);
const parameters = z.record(z.string(), z.unknown());
const metric = z.enum(metricNames as [MetricName, ...MetricName[]]);
const fraction = z.number().gt(0).lt(1);
const duration = worded(/^(?=.*[1-9])\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)$/, 'a duration above 0 such as 30s, 10m, 2h');
const size = worded(/^(?=.*[1-9])\d+(?:\.\d+)?\s*[KMGT]i?B$/, 'a size above 0 such as 512MiB, 8GiB, 1GB');
const percent = /^\d+(?:\.\d+)?\s*%$/;
const percentOrNumber = z.union([z.number().nonnegative(), worded(percent, share)], { error: share });
const command = z.array(text).min(1);

/** What may be changed so that a training fits the memory; the effective batch stays. */
const ladderRungs = ['microBatch', 'gradientCheckpointing', 'precision'] as const;

const data = z.strictObject({
  source: text.describe(
    'Folder or file (csv, parquet, jsonl, npz) with the examples, `s3://bucket/prefix`, `dvc:FILE.dvc`, `snapshot:sha256:…` or `snapshot:NAME`, or `builtin:digits`. A relative path starts from the folder of the experiment file.',
  ),
  label: text.default('label').describe('Column with the class. In a folder of files, the class is the name of the subfolder.'),
  id: text.optional().describe("Column that identifies an example and pairs the variants' predictions. Without it: the row's content."),
  unit: text
    .optional()
    .describe('Column that says what was sampled independently (users, patients). A unit stays in one split; the bootstrap draws units.'),
  split: z
    .union([
      z.strictObject({
        test: fraction.default(0.2).describe('Fraction of the units held out for the comparison.'),
        validation: z.number().min(0).lt(1).default(0.1).describe('Fraction of the units for the trainer to tune on; 0 for none.'),
        by: z
          .enum(['unit', 'id'])
          .optional()
          .describe(
            'What is hashed to choose a split: the unit, or the identity of the row. Default: `unit` where `data.unit` is given, else `id`.',
          ),
        seed: z.int().nonnegative().default(0).describe('Another number gives another split.'),
        stratify: z
          .boolean()
          .default(false)
          .describe(
            '`true` gives every split the same share of each class, to the unit; a row may then change its split when the data grow.',
          ),
      }),
      z.strictObject({
        time: text.describe('Column with the time of a row: ISO 8601, or a number.'),
        before: text.describe('Rows before this time are for training, rows from it on are the test split.'),
        validationFrom: text.optional().describe('Rows from this time on, and before `before`, are the validation split. Default: none.'),
      }),
      z.strictObject({
        train: text.describe('File with the ids to train on: `.txt`, one a line, or a table with the id column.'),
        validation: text.optional().describe('File with the ids to tune on.'),
        test: text.describe('File with the ids to compare on.'),
      }),
    ])
    .prefault({})
    .describe('Fractions, drawn by a stable hash so that a row stays in its split when the data grow; or files that list the ids of each.'),
  slices: z
    .array(
      z.strictObject({
        name: text.max(63).describe('What the report calls it.'),
        where: text.describe('Condition on the columns of a row, as in SQL: `label in (8, 9)`, `"x 1" > 3.5 and country = \'DE\'`.'),
      }),
    )
    .max(100)
    .default([])
    .describe('Parts of the test rows that are compared on their own; exploratory, never part of the decision.'),
});

const runtime = z
  .strictObject({
    executor: z
      .enum(['process', 'docker'])
      .default('process')
      .describe('How trainers run: `process` starts them as processes of the worker host, `docker` in containers of `runtime.image`.'),
    image: text
      .optional()
      .meta({ pattern: '^(?:[^@\\s]+@)?sha256:[0-9a-f]{64}$' })
      .describe(
        'Image of the trainers by its digest, `name@sha256:…`, or by the id of one built on the host, `sha256:…`. Docker needs it.',
      ),
    gpus: z.int().min(0).default(0).describe('Devices of one run; 0 computes on the CPU.'),
    processes: z
      .int()
      .positive()
      .optional()
      .describe('Ranks of one trainer, which share each batch evenly. Default: one a device, at least 1.'),
    gpuMemory: size
      .optional()
      .describe('Memory a run needs on each device: runs may share one that can hold each to a hard limit. Default: the device whole.'),
    maxGpus: z.int().positive().optional().describe('Devices that the experiment holds at once; `--gpus N` sets it. Default: no limit.'),
    cpus: z
      .int()
      .positive()
      .default(1)
      .describe('Threads of one trainer, as its numeric libraries are told; with docker also the limit of the container, cores.'),
    memory: size.optional().describe('Memory limit of the container, without swap. Default: none. Docker only.'),
    shm: size.optional().describe('Shared memory of the container. Default: 64MiB. Docker only.'),
    network: z.boolean().optional().describe('`true` lets the trainer reach the network. Default: `false`. Docker only.'),
    qos: z
      .enum(qosClasses)
      .default('standard')
      .describe('Who goes first where devices are short. `besteffort` may be asked to checkpoint and yield, and goes on later.'),
  })
  .transform(({ processes, ...rest }) => ({ ...rest, processes: processes ?? Math.max(1, rest.gpus) }));

const training = z.strictObject({
  command: command
    .default([])
    .describe('Program and arguments of the trainer, without a shell. Required as soon as one variant is to be trained.'),
  seeds: z
    .array(z.int().min(0).max(largestSeed))
    .min(1)
    .default([1, 2, 3, 4, 5])
    .describe('Every variant is trained once with each. 5 or more answer for the algorithm, fewer only for the trained models.'),
  batchSize: z.int().positive().default(64).describe('Examples a training step.'),
  precision: z.enum(['fp32', 'tf32', 'bf16', 'fp16']).default('fp32').describe('Arithmetic of the training; tf32 is that of GPUs.'),
  code: z
    .array(text)
    .min(1)
    .optional()
    .describe(
      'Files and folders below that of the experiment file that the container gets, read-only. Default: those that the commands name. Docker only.',
    ),
  budget: z
    .strictObject({
      epochs: z.int().positive().optional().describe('Passes over the training rows.'),
      steps: z.int().positive().optional().describe('Training steps.'),
      wallClock: duration.optional().describe('Training time of one run, counted over all its restarts.'),
    })
    .prefault({})
    .describe(
      'What one run may spend, the same for every variant; the first limit reached ends it. At least one where a variant is trained.',
    ),
  checkpointEvery: duration.default('30s').describe('Time between checkpoints: what a crash can cost.'),
  keepCheckpoints: z.int().min(1).max(100).default(3).describe('Checkpoints kept of a run; the newest stay.'),
  keepCheckpointsFor: duration.optional().describe('Checkpoints older than this go, the newest apart. Default: no limit.'),
  warmStart: worded(/^[^/\s]+\/[^/\s]+\/seed-\d+$/, 'a run as EXPERIMENT/VARIANT/seed-N')
    .optional()
    .describe('Run whose newest checkpoint every run starts from, `EXPERIMENT/VARIANT/seed-N`; recorded in the result.'),
  attempts: z
    .int()
    .positive()
    .max(100)
    .default(5)
    .describe('Crashes of one trainer before the run counts as failed; what is not its fault (host, device, preemption) counts apart.'),
  outOfMemory: z
    .strictObject({
      ladder: z
        .array(z.enum(ladderRungs))
        .default([...ladderRungs])
        .describe(
          'What is tried in turn where memory does not suffice, for every variant alike: half and a quarter of the batch at once, gradient checkpointing, bf16. `[]` for nothing.',
        ),
      unequal: z
        .boolean()
        .default(false)
        .describe(
          '`true` declares beforehand that variants may be trained with different remedies: a deviation, shown first in the report.',
        ),
    })
    .prefault({})
    .describe('What happens when a trainer runs out of memory.'),
  params: parameters.default({}).describe("Parameters handed to every variant's trainer. Names and values are the trainer's."),
});

const variant = z.strictObject({
  name: name.describe('Name of the variant in results and paths.'),
  control: z.boolean().default(false).describe('`true` on exactly one: what the others are compared with.'),
  params: parameters.default({}).describe("The variant's own parameters; they replace those of `training.params`, key by key."),
  model: text
    .optional()
    .describe('File or folder of a trained model: the variant is evaluated once, never trained. A relative path starts as `data.source`.'),
});

const evaluation = z.strictObject({
  command: command
    .optional()
    .describe('Program that evaluates a trained model. Default: `training.command`, started with `mode: evaluate`.'),
  testRatio: z.number().gt(0).max(1).default(1).describe('Fraction of the test split that is predicted, chosen by a stable hash.'),
  metrics: z
    .array(metric)
    .min(1)
    .default(['accuracy', 'f1_macro', 'auc_ovr', 'log_loss', 'latency_p95'])
    .describe('Metrics to report. A latency metric brings the latency phase.'),
  batchSize: z.int().positive().default(32).describe('Examples a prediction call, and a latency measurement.'),
  warmupSteps: z.int().nonnegative().default(100).describe('Unmeasured calls before the first latency block.'),
  latency: z
    .strictObject({
      blocks: z.int().min(2).default(10).describe('Blocks measured of each variant.'),
      interleave: z
        .literal(true)
        .default(true)
        .describe('Variants take turns block by block, so that a drifting machine strikes all alike.'),
    })
    .prefault({})
    .describe('How latency is measured.'),
});

const checks = z.strictObject({
  srm: z
    .strictObject({ alpha: fraction.default(0.001).describe('Significance level; a failure makes the comparison `invalid`.') })
    .prefault({})
    .describe('Sample ratio: the splits against the declared fractions.'),
  covariates: z
    .strictObject({
      alpha: fraction.default(0.01).describe('Significance level over all columns together.'),
      minEffect: z.number().min(0).max(1).default(0.1).describe('Smaller differences (0 to 1) are no finding, however significant.'),
    })
    .prefault({})
    .describe('Columns and classes of train against test.'),
  leaks: z
    .strictObject({
      nearDuplicates: z
        .union([z.number().gt(0).max(1), z.literal(false)], { error: 'a similarity above 0 and up to 1, or false' })
        .default(0.95)
        .describe('Similarity (0 to 1) from which rows of two splits count as the same; `false` leaves the search out.'),
      labelAuc: z
        .number()
        .gt(0.5)
        .max(1)
        .default(0.995)
        .describe('A single column that tells a class with this area under the curve or more is told as giving the label away.'),
    })
    .prefault({})
    .describe('What would let a model know the answers beforehand.'),
  drift: z
    .strictObject({
      against: z
        .union([z.enum(['previous', 'none']), worded(/^snapshot:\S+$/, 'snapshot:sha256:… or snapshot:NAME')], {
          error: '"previous", "none", or snapshot:sha256:… or snapshot:NAME',
        })
        .default('previous')
        .describe('`previous`: the last snapshot of the same experiment name; or a snapshot by digest or name.'),
      alpha: fraction.default(0.01).describe('Share of false alarms among the alarms that is borne (Benjamini-Hochberg).'),
      minEffect: z
        .number()
        .min(0)
        .max(1)
        .default(0.05)
        .describe('Smaller changes (distance of distributions, 0 to 1) are no alarm, however significant.'),
      multivariate: z
        .enum(['classifier', 'mmd', 'none'])
        .default('none')
        .describe('A test of all columns together: `classifier` learns to tell the two apart, `mmd` compares kernels on a sample.'),
    })
    .prefault({})
    .describe('Change of the data since another snapshot.'),
});

const guardrail = z.strictObject({
  metric: metric.describe('Metric that must not get worse; it has to stand in `evaluation.metrics`.'),
  maxIncrease: percentOrNumber.optional().describe('Largest tolerated rise, for metrics where lower is better.'),
  maxDecrease: percentOrNumber.optional().describe('Largest tolerated fall, for metrics where higher is better.'),
});

const analysis = z.strictObject({
  primary: metric.default('accuracy').describe('The metric that decides; it has to stand in `evaluation.metrics`.'),
  question: z
    .enum(['auto', 'artifact', 'algorithm'])
    .default('auto')
    .describe(
      '`artifact`: are these trained models different? `algorithm`: would training again favour the variant? (5 or more seeds.) `auto`: `algorithm` where the seeds allow it.',
    ),
  test: z
    .enum(['superiority', 'non-inferiority', 'equivalence'])
    .default('superiority')
    .describe('What has to be shown; the last two need a margin above 0.'),
  margin: percentOrNumber
    .default(0)
    .describe("Difference that matters, at least 0, in the primary metric's unit; `20%` is of the control's value."),
  confidence: z.number().min(0.5).lt(1).default(0.95).describe('Level of the intervals.'),
  resamples: z.int().min(1000).max(1_000_000).default(20_000).describe('Bootstrap replicates.'),
  correction: z
    .enum(['holm', 'none'])
    .default('holm')
    .describe(
      '`holm` adjusts where several variants are compared with the control: jointly (max-T), Holm where there are no joint replicates.',
    ),
  guardrails: z.array(guardrail).default([]).describe('What must not get worse for `adopt`; each has exactly one limit.'),
});

const notification = z.strictObject({
  webhook: worded(/^https?:\/\/[^/@\s]+(\/\S*)?$/, 'an address such as https://example.org/hook, without user or password').describe(
    'Address that events are posted to, signed as Standard Webhooks.',
  ),
  format: z.enum(['standard', 'slack']).default('standard').describe('`slack`: the message of an incoming webhook of Slack.'),
  on: z
    .array(z.enum(eventTypes))
    .min(1)
    .default([...eventTypes])
    .describe('Events that are sent.'),
  secret: worded(/^[A-Z][A-Z0-9_]*$/, 'a NAME, whose secret is in ASSAY_WEBHOOK_SECRET_NAME of the control pool')
    .optional()
    .describe('Which secret signs: `NAME` of `ASSAY_WEBHOOK_SECRET_NAME`. Default: `ASSAY_WEBHOOK_SECRET`.'),
});

const publish = z.strictObject({
  mlflow: z
    .strictObject({
      experiment: worded(/^(?=.*\S).{1,200}$/u, 'a name of 1 to 200 characters')
        .optional()
        .describe('Experiment there that gets the runs. Default: the name of this one.'),
      model: worded(/^(?!\.{1,2}$)(?=.*\S)[^\t\n\r/:]{1,200}$/u, 'a name of 1 to 200 characters without "/" and ":"')
        .optional()
        .describe('Registered model that `decision.register` adds a version to. Default: the name of this experiment.'),
      artifacts: z
        .boolean()
        .default(true)
        .describe('Models, logs and events of the runs as files there; `false` leaves the report, the result and the spec.'),
      largestModel: size.default(largestModel).describe('A larger model is named and left out.'),
    })
    .optional()
    .describe('Runs, metrics, files and the verdict on the MLflow server that MLFLOW_TRACKING_URI of the control pool names.'),
});

/** `experiment.yaml` as a user writes it. Resolved (`z.output`) every default is filled in. */
export const ExperimentSpec = z.strictObject({
  name: name.describe('Names the experiment in ids, paths and the list; the same name later is compared for drift.'),
  hypothesis: z.string().optional().describe('What you expect, in your words; printed beside the verdict.'),
  data: data.describe('What the variants are trained and compared on.'),
  runtime: runtime.prefault({}).describe('Where and how trainers run.'),
  training: training.prefault({}).describe('How variants are trained; the same for all.'),
  variants: z.array(variant).min(2).describe('What is compared: two or more.'),
  varies: z.array(text).default([]).describe('The only parameters that may differ between variants; any other difference is an error.'),
  owner: z.string().optional().describe('Team or person, recorded for search; quotas of devices count by it.'),
  evaluation: evaluation.prefault({}).describe('What is measured on the test split.'),
  checks: checks.prefault({}).describe('Checks of fairness and drift.'),
  analysis: analysis.prefault({}).describe('The rule, fixed before the first run.'),
  decision: z
    .strictObject({
      approval: z
        .boolean()
        .default(false)
        .describe('`true`: the verdict waits for `assay approve` or `assay reject`, for weeks if need be.'),
      register: z
        .enum(['mlflow'])
        .optional()
        .describe(
          '`mlflow`: the model that the verdict speaks for becomes a version of a registered model, as `champion` or `challenger`; implies `publish.mlflow`.',
        ),
    })
    .prefault({})
    .describe('What follows the verdict.'),
  publish: publish.prefault({}).describe('Where the result is copied to when the experiment has ended.'),
  report: z
    .strictObject({
      rows: z.int().min(0).max(20).default(20).describe('Test rows listed where a variant and the control disagree most.'),
      content: z
        .boolean()
        .default(true)
        .describe('`false` leaves the content of these rows (columns, text, image) out of result and report.'),
    })
    .prefault({})
    .describe('What result and report show of the data.'),
  notify: z.array(notification).max(20).default([]).describe('Who is told of the end, of a verdict that waits, of a series that turns.'),
});

export type SpecInput = z.input<typeof ExperimentSpec>;
/** Resolved: every default is filled in; `root` is the folder relative paths start from. */
export type ResolvedSpec = z.output<typeof ExperimentSpec> & { root: string };
