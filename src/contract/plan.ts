import type { ExperimentPlan } from './activities';
import { assertNever } from './errors';
import { metricCatalogue } from './metrics';
import type { NotifyTarget } from './notify';
import { mlflowPlan } from './publish';
import type { Ref } from './refs';
import type { Guardrail, RegisteredPlan } from './result';
import { noRemedy, type Remedy } from './run';
import type { ResolvedSpec } from './spec';
import { fewestSeedsForAlgorithm } from './specChecks';
import { bytes, relativeOrAbsolute, seconds } from './specValues';

/** Beside the training itself: starting, restoring, predicting and storing, seconds an attempt. */
const overheadSeconds = 600;
/** Where no wall-clock budget bounds a run. */
const longestRunSeconds = 86_400;

/** The question and the rule, as fixed before the first run. */
export function registeredPlan(spec: ResolvedSpec): RegisteredPlan {
  const { analysis, evaluation, data } = spec;
  const margin = relativeOrAbsolute(analysis.margin);
  return {
    primary: analysis.primary,
    question: questionOf(spec),
    test: analysis.test,
    margin: margin.value,
    marginRelative: margin.relative,
    confidence: analysis.confidence,
    resamples: analysis.resamples,
    correction: analysis.correction,
    metrics: evaluation.metrics,
    guardrails: analysis.guardrails.map(({ metric, maxIncrease, maxDecrease }): Guardrail => {
      const limit = relativeOrAbsolute(maxIncrease ?? maxDecrease ?? 0);
      return { metric, limit: limit.value, relative: limit.relative };
    }),
    seeds: seedsOf(spec),
    unit: data.unit ?? null,
    slices: data.slices,
  };
}

/** What the experiment workflow carries of its spec. */
export function experimentPlan(spec: ResolvedSpec, experimentId: string, specRef: Ref): ExperimentPlan {
  const control = spec.variants.find((variant) => variant.control);
  if (control === undefined) throw new RangeError('expected a spec with a control variant, got none');
  const { wallClock } = spec.training.budget;
  const { attempts } = spec.training;
  const { executor, image, gpus, gpuMemory, qos, maxGpus } = spec.runtime;
  return {
    experimentId,
    name: spec.name,
    spec: specRef,
    control: control.name,
    variants: spec.variants.map(({ name, control: isControl, model }) => ({ name, control: isControl, pretrained: model !== undefined })),
    seeds: seedsOf(spec),
    attempts,
    runTimeoutSeconds: wallClock === undefined ? longestRunSeconds : Math.ceil((seconds(wallClock) + overheadSeconds) * attempts),
    latency: spec.evaluation.metrics.some((metric) => metricCatalogue[metric].source === 'latency'),
    plan: registeredPlan(spec),
    owner: spec.owner ?? null,
    executor,
    image: image ?? null,
    resources: { gpus, gpuMemoryBytes: gpuMemory === undefined ? null : bytes(gpuMemory), qos, experimentGpus: maxGpus ?? null },
    ladder: ladderOf(spec),
    unequalRemedies: spec.training.outOfMemory.unequal,
    approval: spec.decision?.approval ?? false,
    notify: notifyTargets(spec),
    ...publishing(spec),
  };
}

const publishing = (spec: ResolvedSpec): Pick<ExperimentPlan, 'mlflow'> => {
  const mlflow = mlflowPlan(spec);
  return mlflow === null ? {} : { mlflow };
};

/** A spec that an earlier version stored, as series keep them, has none. */
export const notifyTargets = ({ notify }: Partial<Pick<ResolvedSpec, 'notify'>>): NotifyTarget[] =>
  (notify ?? []).map(({ webhook, format, on, secret }) => ({ webhook, format, on, secret: secret ?? null }));

/** The levels of the out-of-memory ladder, each with all the ones below it still in place. */
export function ladderOf({ training, runtime }: Pick<ResolvedSpec, 'training' | 'runtime'>): Remedy[] {
  const levels: Remedy[] = [];
  const add = (change: Partial<Remedy>): void => {
    levels.push({ ...(levels.at(-1) ?? noRemedy), ...change, level: levels.length + 1 });
  };
  for (const rung of training.outOfMemory.ladder) {
    switch (rung) {
      case 'microBatch':
        // A micro-batch that does not divide the batch evenly would weigh its examples differently.
        for (const divisor of [2, 4]) if ((training.batchSize / runtime.processes) % divisor === 0) add({ microBatchDivisor: divisor });
        break;
      case 'gradientCheckpointing':
        add({ gradientCheckpointing: true });
        break;
      case 'precision':
        if (training.precision === 'fp32' || training.precision === 'tf32') add({ precision: 'bf16' });
        break;
      default:
        assertNever(rung);
    }
  }
  return levels;
}

/** An already trained model has no second seed: it can only be asked about as it is. */
function questionOf({ analysis, training, variants }: ResolvedSpec): RegisteredPlan['question'] {
  if (analysis.question !== 'auto') return analysis.question;
  const trained = variants.every((variant) => variant.model === undefined);
  return trained && training.seeds.length >= fewestSeedsForAlgorithm ? 'algorithm' : 'artifact';
}

/** Where every variant is already trained, one seed names the one evaluation of each. */
const seedsOf = ({ training, variants }: ResolvedSpec): number[] =>
  variants.every((variant) => variant.model !== undefined) ? training.seeds.slice(0, 1) : training.seeds;
