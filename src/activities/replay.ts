import {
  type CheckpointRecord,
  type ExperimentPlan,
  type ExperimentRecord,
  type ReplayControlActivities,
  type ReplayInput,
  type ResolvedSpec,
  refNames,
} from '../contract';
import { experimentPlan } from '../contract/plan';
import type { Store } from '../store';
import { type Pins, unpin } from './pins';

/** The record of a replay, from its first moment to its end. */
export function createReplayControlActivities({ store }: { store: Store }): ReplayControlActivities {
  return {
    async registerReplay({ replay, workflow }) {
      const spec = await store.getJson<ResolvedSpec>(replay.spec);
      await pinWarmStarts(store, replay);
      await store.refs.update<ExperimentRecord>(
        refNames.experiment(replay.experimentId),
        (old) =>
          old ?? {
            ...{ schema: 'assay.experiment/1', experimentId: replay.experimentId, name: spec.name, owner: spec.owner ?? null },
            ...{ startedAt: new Date().toISOString(), finishedAt: null, status: 'running', workflow },
            ...{ spec: replay.spec, provenance: replay.provenance, code: replay.code, snapshot: replay.snapshot },
            ...{ result: null, report: null, verdict: null, message: `replay of ${replay.of}` },
            replay: { of: replay.of, class: null, report: null },
          },
      );
      return quiet(experimentPlan(spec, replay.experimentId, replay.spec));
    },

    async publishReplay({ replay, output }) {
      const { experimentId, of } = replay;
      // Of a second try the pins are gone already.
      const pins = await store.refs.get<Pins>(refNames.pins(experimentId));
      const kept = pins === null ? {} : { kept: await store.putJson(pins.value) };
      await store.refs.update<ExperimentRecord>(refNames.experiment(experimentId), (old) => {
        if (old === null) throw new Error(`refs/${refNames.experiment(experimentId)} is gone`);
        const ended = { status: 'done' as const, finishedAt: new Date().toISOString(), message: output.sentence, ...kept };
        return { ...old, ...ended, replay: { of, class: output.class, report: output.report } };
      });
      await unpin(store, experimentId);
    },
  };
}

/** What the original told, and to whom, is told once. */
function quiet({ notify: _notify, mlflow: _mlflow, links: _links, ...plan }: ExperimentPlan): ExperimentPlan {
  return plan;
}

/** A run takes the checkpoint that its record names, and looks for the newest of the other run only where it names none. */
async function pinWarmStarts(store: Store, { experimentId, runs }: ReplayInput): Promise<void> {
  for (const { variant, seed, warmStart } of runs) {
    if (warmStart === null) continue;
    await store.refs.update<CheckpointRecord>(
      refNames.checkpoints(experimentId, variant, seed),
      (old) => old ?? { schema: 'assay.checkpoints/1', epoch: 0, checkpoints: [], warmStart },
    );
  }
}
