import type { Result } from '../../contract';
import { type Metric, metricOf } from './curves';
import { type Tag, tagsOf } from './names';
import { sourceTags } from './source';

/** What MLflow lists and filters of an experiment. */
export function experimentTags(result: Result): Tag[] {
  const { verdict, approval, snapshot, provenance, workflow } = result;
  return tagsOf({
    ...sourceTags(result),
    'assay.name': result.name,
    'assay.verdict': verdict.outcome,
    'assay.harm': String(verdict.harm),
    'assay.answer': verdict.sentence,
    'assay.variant': verdict.variant,
    'assay.approval': approval?.state ?? null,
    'assay.approved_by': approval?.by ?? null,
    'assay.hypothesis': result.hypothesis,
    'assay.snapshot': snapshot.digest,
    'assay.spec': provenance.spec,
    'assay.workflow': workflow.url ?? workflow.id,
  });
}

/** The rule, as it was fixed before the first run. */
export function experimentParams({ plan, variants, snapshot, provenance }: Result): Record<string, unknown> {
  return {
    ...{ primary: plan.primary, question: plan.question, test: plan.test, confidence: plan.confidence, correction: plan.correction },
    margin: plan.marginRelative ? `${plan.margin * 100}%` : plan.margin,
    resamples: plan.resamples,
    guardrails: plan.guardrails,
    seeds: plan.seeds,
    control: variants.find(({ control }) => control)?.name ?? null,
    candidates: variants.filter(({ control }) => !control).map(({ name }) => name),
    data: snapshot.source,
    snapshot: snapshot.digest,
    assay: provenance.assay,
  };
}

/** Estimates and differences, each with its interval; what is undefined is left out. */
export function comparisonMetrics({ variants, comparisons }: Result, at: number): Metric[] {
  const numbers: [string, number | null][] = [
    ...variants.flatMap(({ name, metrics }) =>
      Object.entries(metrics).flatMap(([metric, { estimate, low, high }]): [string, number | null][] => [
        [`${name}/${metric}/estimate`, estimate],
        [`${name}/${metric}/low`, low],
        [`${name}/${metric}/high`, high],
      ]),
    ),
    ...comparisons.flatMap(({ variant, metric, difference, low, high, pValue, adjustedPValue }): [string, number | null][] => [
      [`${variant}/${metric}/difference`, difference],
      [`${variant}/${metric}/difference_low`, low],
      [`${variant}/${metric}/difference_high`, high],
      [`${variant}/${metric}/p_value`, pValue],
      [`${variant}/${metric}/adjusted_p_value`, adjustedPValue],
    ]),
  ];
  return numbers.flatMap(([name, value]) => (value === null ? [] : [metricOf(name, value, at, 0)]));
}
