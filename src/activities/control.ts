import type { ControlActivities, ExperimentPlan, ExperimentRecord, ProvenanceObject, ResolvedSpec, Result } from '../contract';
import { AssayError, effectOf, type NotifyTarget, refNames } from '../contract';
import { linksOf } from '../contract/links';
import { experimentPlan } from '../contract/plan';
import { mlflowSettings, targetProblem, type WebhookSettings } from '../publish';
import type { Store } from '../store';
import { type Pins, unpin } from './pins';

export interface ControlDeps {
  store: Store;
  /** For links; without it the plan has none. */
  at?: { uiUrl: string | null; publicUrl: string | null; namespace: string };
  /** What the receivers of `notify` are held against before anything is run; without it they are taken as they are. */
  webhooks?: WebhookSettings;
}

/** The record in `refs/`, which `list`, `show` and `report` read when Temporal has forgotten the run. */
export function createControlActivities({ store, at, webhooks }: ControlDeps): ControlActivities {
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
      const plan = withFindings(experimentPlan(resolved, experimentId, spec));
      if (webhooks) refuseDeafTargets(plan.notify ?? [], webhooks);
      return at === undefined ? plan : { ...plan, links: linksOf(at, workflow.id, experimentId) };
    },

    async publishResult({ experimentId, name, snapshot, result, report, verdict, predictions, approval }) {
      const effect = await store.getJson<Result>(result).then(effectOf, () => undefined);
      const shown = { snapshot: snapshot.ref, result, report, verdict, ...(approval ? { approval } : {}), ...(effect ? { effect } : {}) };
      if (approval?.state === 'waiting') return amend(experimentId, shown);
      const finishedAt = new Date().toISOString();
      // Of a second try the pins are gone already.
      const pins = await store.refs.get<Pins>(refNames.pins(experimentId));
      const kept = pins === null ? {} : { kept: await store.putJson(pins.value) };
      await amend(experimentId, { status: 'done', finishedAt, ...shown, ...kept });
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

/** The experiment is none the worse for what keeps it from being published, and whoever looks at it hears of it in time. */
function withFindings(plan: ExperimentPlan): ExperimentPlan {
  const settings = plan.mlflow === undefined ? {} : mlflowSettings();
  if (!('problem' in settings)) return plan;
  return {
    ...plan,
    findings: [
      `it cannot be published to MLflow: ${settings.problem} in the environment of the control pool; \`assay publish mlflow\` can do it later`,
    ],
  };
}

/** Nobody should learn after days of training that the message about its end has nowhere to go. */
function refuseDeafTargets(targets: readonly NotifyTarget[], webhooks: WebhookSettings): void {
  const problems = targets.flatMap((target, i) => {
    const problem = targetProblem(target, webhooks);
    return problem === null ? [] : [`notify[${i}].${problem}`];
  });
  if (problems.length > 0) throw new AssayError('SpecInvalid', problems.join('\n'));
}
