import { AssayError, metricCatalogue, metricNames, type MetricName, type RegisteredPlan } from '../contract';
import { adjustPValues, pairedBootstrap } from '../stats';
import { compareAlgorithms } from './algorithm';
import { armMetric, classTable, runMetrics } from './arms';
import { answersForAlgorithm } from './approach';
import { compareArtifacts } from './artifact';
import { breakdowns } from './breakdown';
import { clockChecks, confoundedBy, isTimeMetric } from './clocks';
import { conductChecks } from './conduct';
import { compareCosts } from './cost';
import { decide, type Evidence } from './decide';
import type { ArmInterval, Bootstrap } from './drawn';
import { familyOf, familywise, type Family } from './family';
import { compareLatency, latencySummary } from './latency';
import { isPredictionMetric, pairRuns, prepare, type Arm, type Prepared } from './prepare';
import { unanswered, type Question } from './question';
import { remedyChecks } from './remedies';
import { bootstrapSeed, seedsForAlgorithm, type Analysis, type AnalysisInput } from './types';

export interface AnalyseOptions {
  /** What resamples; default `pairedBootstrap` on this thread. One with the same bits on several threads changes no number. */
  bootstrap?: Bootstrap;
}

/** Predictions and the registered plan -> intervals, p values and the verdict. The same input gives the same bytes. */
export function analyse(input: AnalysisInput, options: AnalyseOptions = {}): Analysis {
  const { plan } = input;
  const metrics = plannedMetrics(plan);
  const prepared = prepare(input);
  const compared = { ...input, variants: input.variants.filter((variant) => variant.stopped !== true) };
  const seed = input.seed ?? bootstrapSeed;
  const candidates = prepared.arms.filter((arm) => !arm.control);
  const checks = [
    ...input.dataChecks,
    ...prepared.checks,
    ...remedyChecks(compared),
    ...clockChecks(plan, prepared.control, candidates, input.wallClockBudget ?? false),
    ...conductChecks(compared),
  ];
  const { bootstrap = pairedBootstrap } = options;
  const { rows, control } = prepared;
  const share = shareOf(plan, candidates.length);
  const spending = share === 1 ? plan : { ...plan, confidence: 1 - (1 - plan.confidence) * share };
  const family = familyOf({ plan: spending, rows, control, candidates, seed, bootstrap });
  const resampled = new Map<string, ArmInterval>();
  const answers = candidates.flatMap((variant) =>
    metrics.map((metric) => {
      const question = ask(plan, prepared, variant, metric, family, familywise(spending), seed);
      const evidence = withFamily(question, answer(question, input, resampled, bootstrap));
      return input.wallClockBudget === true || isTimeMetric(metric) ? withClocks(question, evidence) : evidence;
    }),
  );
  const comparisons = adjust(plan, answers, share);
  const verdict = decide(plan, comparisons, checks, prepared.failures);
  return {
    variants: prepared.shown.map((arm) => {
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
    breakdowns: breakdowns(plan, prepared, compared),
    checks,
    verdict,
  };
}

/** What serves the rule alone; notes and reasons say it in words. */
function published(evidence: Evidence): Analysis['comparisons'][number] {
  const comparison = { ...evidence };
  delete comparison.components;
  delete comparison.confounded;
  delete comparison.pairs;
  delete comparison.shrunk;
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

/**
 * The share of alpha that candidates spend which are left of those registered: whoever stopped the others may have chosen after a look, and
 * the union bound then pays for them as for any other.
 */
const shareOf = ({ correction, stopped = [] }: RegisteredPlan, left: number): number =>
  correction === 'none' || left === 0 ? 1 : left / (left + stopped.length);

function ask(
  plan: RegisteredPlan,
  prepared: Prepared,
  variant: Arm,
  metric: string,
  family: Family | null,
  alone: number,
  seed: number,
): Question {
  const asked = { plan, rows: prepared.rows, control: prepared.control, variant, metric, seed };
  if (metric === plan.primary) return { ...asked, role: 'primary', confidence: family?.confidence ?? alone, family };
  // Guardrails need no adjustment, since every one has to be shown; the rest is to look at.
  const role = plan.guardrails.some((guardrail) => guardrail.metric === metric) ? 'guardrail' : 'secondary';
  return { ...asked, role, confidence: plan.confidence, family: null };
}

function answer(question: Question, input: AnalysisInput, resampled: Map<string, ArmInterval>, bootstrap: Bootstrap): Evidence {
  const { plan, metric, control, variant, rows } = question;
  if (!isPredictionMetric(metric)) {
    return metricCatalogue[metric as MetricName].source === 'latency' ? compareLatency(question, input.latency) : compareCosts(question);
  }
  const pairs = pairRuns(control, variant);
  if (pairs.length === 0 || rows.n === 0) return unanswered(question, rows.n, 'No run of one arm is paired with a run of the other.');
  if (rows.unitCount < 2) return unanswered(question, rows.n, 'One row (or unit) has no interval; two or more have.');
  if (answersForAlgorithm(plan, metric, control, variant, pairs.length)) return compareAlgorithms(question, metric, pairs);
  const { evidence, a, b } = compareArtifacts(question, metric, pairs, bootstrap);
  resampled.set(`${metric} ${control.name}`, a);
  resampled.set(`${metric} ${variant.name}`, b);
  const models = control.pretrained && variant.pretrained;
  if (plan.question === 'algorithm' && !models && pairs.length < seedsForAlgorithm) {
    evidence.notes.push(
      `${pairs.length} paired seeds cannot answer for the algorithm (${seedsForAlgorithm} can): it holds for these trained models.`,
    );
  }
  return evidence;
}

function withClocks({ control, variant }: Question, evidence: Evidence): Evidence {
  const confounded = confoundedBy(control, variant);
  return confounded === null ? evidence : { ...evidence, confounded, notes: [...evidence.notes, `Confounded: ${confounded}.`] };
}

function withFamily({ family, variant }: Question, evidence: Evidence): Evidence {
  if (family === null) return evidence;
  const difference = family.shrunk.get(variant.name);
  return {
    ...evidence,
    notes: family.note === null ? evidence.notes : [...evidence.notes, family.note],
    ...(difference === undefined ? {} : { shrunk: { difference, of: family.size } }),
  };
}

/** Primary p values that have no joint law: Holm's. One candidate's is its own; everything else is shown unadjusted. */
function adjust(plan: RegisteredPlan, answers: Evidence[], share: number): Evidence[] {
  const open = answers.filter((evidence) => evidence.role === 'primary' && evidence.adjustedPValue === null);
  const p = open.map((evidence) => evidence.pValue ?? 1);
  const adjusted = plan.correction === 'holm' ? adjustPValues(p, 'holm') : p;
  return answers.map((evidence) => {
    const index = open.indexOf(evidence);
    const own = index < 0 || evidence.pValue === null ? evidence.adjustedPValue : (adjusted[index] ?? null);
    return evidence.role === 'primary' && own !== null ? { ...evidence, adjustedPValue: Math.min(1, own / share) } : evidence;
  });
}
