import type { AnalyseInput, Content, Ref } from '../contract';
import { contentsOf } from '../publish/contents';
import type { Store } from '../store';

/** Every object that a result is made from, for `assay verify`; `profiles` are those of the predictions, by variant. */
export const resultContents = (store: Store, input: AnalyseInput, profiles: Record<string, Ref>): Promise<Content[]> =>
  contentsOf(store, {
    experimentId: input.plan.experimentId,
    spec: input.plan.spec,
    provenance: input.provenance,
    snapshot: input.snapshot.ref,
    findings: input.findings ?? null,
    latency: input.latency?.measurements ?? [],
    profiles,
    runs: input.runs.map(({ key, trained }) => ({ key, record: trained?.record ?? null })),
  });
