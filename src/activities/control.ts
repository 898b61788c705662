import type { ControlActivities, ExperimentRecord, ProvenanceObject, ResolvedSpec } from '../contract';
import { refNames } from '../contract';
import { experimentPlan } from '../contract/plan';
import type { Store } from '../store';
import { type Pins, unpin } from './pins';

/** The record in `refs/`, which `list`, `show` and `report` read when Temporal has forgotten the run. */
export function createControlActivities({ store }: { store: Store }): ControlActivities {
  const amend = async (experimentId: string, change: Partial<ExperimentRecord>): Promise<void> => {
    await store.refs.update<ExperimentRecord>(refNames.experiment(experimentId), (old) => {
      if (!old) throw new Error(`refs/${refNames.experiment(experimentId)} is gone`);
      return { ...old, ...change };
    });
  };

  return {
    async registerExperiment({ experimentId, spec, provenance, code, workflow }) {
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
            code,
            snapshot: null,
            result: null,
            report: null,
            verdict: null,
            message: null,
          },
      );
      return experimentPlan(resolved, experimentId, spec);
    },

    async publishResult({ experimentId, name, snapshot, result, report, verdict, predictions }) {
      const finishedAt = new Date().toISOString();
      // Of a second try the pins are gone already.
      const pins = await store.refs.get<Pins>(refNames.pins(experimentId));
      const kept = pins === null ? {} : { kept: await store.putJson(pins.value) };
      await amend(experimentId, { status: 'done', finishedAt, snapshot: snapshot.ref, result, report, verdict, ...kept });
      await store.refs.update(refNames.latestSnapshot(name), () => snapshot.ref);
      if (predictions) await store.refs.update(refNames.latestPredictions(name), () => predictions);
      await unpin(store, experimentId);
    },

    async publishFailure({ experimentId, status, message }) {
      const name = refNames.experiment(experimentId);
      if (await store.refs.get(name)) await amend(experimentId, { status, message, finishedAt: new Date().toISOString() });
      await unpin(store, experimentId);
    },
  };
}
