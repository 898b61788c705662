import type { ControlActivities, ExperimentRecord, ProvenanceObject, ResolvedSpec } from '../contract';
import { refNames } from '../contract';
import { experimentPlan } from '../contract/plan';
import type { Store } from '../store';

/** The record in `refs/`, which `list`, `show` and `report` read when Temporal has forgotten the run. */
export function createControlActivities({ store }: { store: Store }): ControlActivities {
  const amend = async (experimentId: string, change: Partial<ExperimentRecord>): Promise<void> => {
    await store.refs.update<ExperimentRecord>(refNames.experiment(experimentId), (old) => {
      if (!old) throw new Error(`refs/${refNames.experiment(experimentId)} is gone`);
      return { ...old, ...change };
    });
  };

  return {
    async registerExperiment({ experimentId, spec, provenance, workflow }) {
      const resolved = await store.getJson<ResolvedSpec>(spec);
      await store.getJson<ProvenanceObject>(provenance);
      await store.refs.update<ExperimentRecord>(
        refNames.experiment(experimentId),
        (old) =>
          old ?? {
            schema: 'assay.experiment/1',
            experimentId,
            name: resolved.name,
            owner: resolved.owner ?? null,
            startedAt: new Date().toISOString(),
            finishedAt: null,
            status: 'running',
            workflow,
            spec,
            provenance,
            snapshot: null,
            result: null,
            report: null,
            verdict: null,
            message: null,
          },
      );
      return experimentPlan(resolved, experimentId, spec);
    },

    async publishResult({ experimentId, name, snapshot, result, report, verdict }) {
      const finishedAt = new Date().toISOString();
      await amend(experimentId, { status: 'done', finishedAt, snapshot: snapshot.ref, result, report, verdict });
      await store.refs.update(refNames.latestSnapshot(name), () => snapshot.ref);
    },

    async publishFailure({ experimentId, status, message }) {
      const name = refNames.experiment(experimentId);
      if (await store.refs.get(name)) await amend(experimentId, { status, message, finishedAt: new Date().toISOString() });
    },
  };
}
