import { AssayError, metricCatalogue, metricNames, type MetricName, type RegisteredPlan } from '../contract';
import { adjustPValues } from '../stats';
import { compareAlgorithms } from './algorithm';
import { armMetric, classTable, runMetrics } from './arms';
import { compareArtifacts, type ArmInterval } from './artifact';
import { clockChecks, confoundedBy, isTimeMetric } from './clocks';
import { conductChecks } from './conduct';
import { compareCosts } from './cost';
import { decide, type Evidence } from './decide';
import { compareLatency, latencySummary } from './latency';
import { isPredictionMetric, pairRuns, prepare, type Arm, type Prepared } from './prepare';
import { unanswered, type Question } from './question';
import { remedyChecks } from './remedies';
import { bootstrapSeed, seedsForAlgorithm, type Analysis, type AnalysisInput } from './types';

/** Predictions and the registered plan -> intervals, p values and the verdict. The same input gives the same bytes. */
export function analyse(input: AnalysisInput): Analysis {
  const { plan } = input;
  const metrics = plannedMetrics(plan);
  const prepared = prepare(input);
  const seed = input.seed ?? bootstrapSeed;
  const candidates = prepared.arms.filter((arm) => !arm.control);
  const checks = [
    ...input.dataChecks,
    ...prepared.checks,
    ...remedyChecks(input),
    ...clockChecks(plan, prepared.control, candidates),
    ...conductChecks(input),
  ];
  const resampled = new Map<string, ArmInterval>();
  const answers = candidates.flatMap((variant) =>
    metrics.map((metric) => {
      const question = ask(plan, prepared, variant, metric, candidates.length, seed);
      return withClocks(question, answer(question, input, resampled));
    }),
  );
  const comparisons = adjust(plan, answers);
  const verdict = decide(plan, comparisons, checks, prepared.failures);
  return {
    variants: prepared.arms.map((arm) => {
      const latency = input.latency?.find((entry) => entry.variant === arm.name);
      return {
        name: arm.name,
        control: arm.control,
        params: arm.params,
        metrics: Object.fromEntries(
          metrics.map((metric) => [
            metric,
            armMetric(metric, arm, prepared.rows, plan, latency, resampled.get(`${metric} ${arm.name}`), seed),
          ]),
        ),
        perClass: classTable(arm, prepared.rows, input.classes),
        latency: latencySummary(latency),
        runs: runMetrics(arm, metrics),
      };
    }),
    comparisons: comparisons.map(published),
    checks,
    verdict,
  };
}

/** The parts of the variance and the mark serve the rule alone; a note says what the mark says. */
function published(evidence: Evidence): Analysis['comparisons'][number] {
  const comparison = { ...evidence };
  delete comparison.components;
  delete comparison.confounded;
  return comparison;
}

/** The primary first, then guardrails, then the rest, each once. */
function plannedMetrics(plan: RegisteredPlan): string[] {
  const metrics = [...new Set([plan.primary, ...plan.guardrails.map((guardrail) => guardrail.metric), ...plan.metrics])];
  for (const metric of metrics) {
    if (!Object.hasOwn(metricCatalogue, metric)) {
      throw new AssayError('SpecInvalid', `unknown metric "${metric}"; there are ${metricNames.join(', ')}`);
    }
  }
  return metrics;
}

function ask(plan: RegisteredPlan, prepared: Prepared, variant: Arm, metric: string, candidates: number, seed: number): Question {
  const role =
    metric === plan.primary ? 'primary' : plan.guardrails.some((guardrail) => guardrail.metric === metric) ? 'guardrail' : 'secondary';
  const confidence = role === 'primary' ? primaryConfidence(plan, candidates) : plan.confidence;
  return { plan, rows: prepared.rows, control: prepared.control, variant, metric, role, confidence, seed };
}

/**
 * Simultaneous intervals for several candidates by Bonferroni, since the rule reads intervals and Holm only gives p values.
 * Equivalence is two one-sided tests: its interval has 1 - 2 alpha. Guardrails need no adjustment: every one has to be shown.
 */
function primaryConfidence(plan: RegisteredPlan, candidates: number): number {
  const alpha = (1 - plan.confidence) * (plan.test === 'equivalence' ? 2 : 1);
  return 1 - alpha / (plan.correction === 'holm' ? candidates : 1);
}

function answer(question: Question, input: AnalysisInput, resampled: Map<string, ArmInterval>): Evidence {
  const { plan, metric, control, variant, rows } = question;
  if (!isPredictionMetric(metric)) {
    return metricCatalogue[metric as MetricName].source === 'latency' ? compareLatency(question, input.latency) : compareCosts(question);
  }
  const pairs = pairRuns(control, variant);
  if (pairs.length === 0 || rows.n === 0) return unanswered(question, rows.n, 'No run of one arm is paired with a run of the other.');
  if (rows.unitCount < 2) return unanswered(question, rows.n, 'One row (or unit) has no interval; two or more have.');
  const models = control.pretrained && variant.pretrained;
  if (plan.question === 'algorithm' && pairs.length >= seedsForAlgorithm && metric !== 'ece' && !models) {
    return compareAlgorithms(question, metric, pairs);
  }
  const { evidence, a, b } = compareArtifacts(question, metric, pairs);
  resampled.set(`${metric} ${control.name}`, a);
  resampled.set(`${metric} ${variant.name}`, b);
  if (plan.question === 'algorithm' && !models && pairs.length < seedsForAlgorithm) {
    evidence.notes.push(
      `${pairs.length} paired seeds cannot answer for the algorithm (${seedsForAlgorithm} can): it holds for these trained models.`,
    );
  }
  return evidence;
}

function withClocks({ metric, control, variant }: Question, evidence: Evidence): Evidence {
  const confounded = isTimeMetric(metric) ? confoundedBy(control, variant) : null;
  return confounded === null ? evidence : { ...evidence, confounded, notes: [...evidence.notes, `Confounded: ${confounded}.`] };
}

/** Holm over the candidates' primary p values; everything else is shown unadjusted. */
function adjust(plan: RegisteredPlan, answers: Evidence[]): Evidence[] {
  const primaries = answers.filter((evidence) => evidence.role === 'primary');
  const p = primaries.map((evidence) => evidence.pValue ?? 1);
  const adjusted = plan.correction === 'holm' ? adjustPValues(p, 'holm') : p;
  return answers.map((evidence) => {
    const index = primaries.indexOf(evidence);
    return index < 0 || evidence.pValue === null ? evidence : { ...evidence, adjustedPValue: adjusted[index] ?? null };
  });
}
