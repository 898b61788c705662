import {
  AssayError,
  type ExperimentRecord,
  type Published,
  type Publishing,
  type PublishingInput,
  type Ref,
  type Result,
  refNames,
} from '../../contract';
import type { Store } from '../../store';
import { NotPublished } from './client';
import { type PublishOptions, publishToMlflow } from './publish';
import { type MlflowEnvironment, mlflowSettings } from './settings';
import { inTurn } from './turn';

export interface PublishOnce extends PublishOptions {
  /** Where MLFLOW_TRACKING_URI and credentials are read from. */
  env: MlflowEnvironment;
  /** What the page of the experiment says there, in Markdown. */
  note: (result: Result) => string;
}

/** One try, alone, of what the record names, also long after the experiment's end; the record then says how it went. */
export async function publishOnce(
  store: Store,
  { experimentId, mlflow }: PublishingInput,
  { env, note, signal, ...options }: PublishOnce,
): Promise<Published> {
  const settings = mlflowSettings(env);
  if ('problem' in settings) throw new NotPublished('refused', settings.problem);
  const record = await finished(store, experimentId);
  return inTurn(store, experimentId, async (lost) => {
    const { uri: server } = settings;
    await notePublishing(store, experimentId, { state: 'under way', server, message: `to ${server}`, published: null });
    const published = await publishToMlflow({ store, record, plan: mlflow, note }, settings, {
      ...options,
      signal: signal === undefined ? lost : AbortSignal.any([signal, lost]),
    }).catch(async (error: Error) => {
      // Else it would be under way for good. Who took the turn says himself how it went.
      const failed = { state: 'failed', server, message: error.message, published: null } as const;
      if (!lost.aborted) await notePublishing(store, experimentId, failed).catch(() => undefined);
      throw error;
    });
    await notePublishing(store, experimentId, {
      ...{ state: 'published', server: settings.uri, message: publishedSentence(published), published },
    });
    return published;
  });
}

/** In the experiment's record, for `assay show`. */
export async function notePublishing(store: Store, experimentId: string, now: Omit<Publishing, 'at'>): Promise<void> {
  const mlflow: Publishing = { ...now, at: new Date().toISOString() };
  await store.refs.update<ExperimentRecord | null>(refNames.experiment(experimentId), (old) => (old === null ? null : { ...old, mlflow }));
}

export function publishedSentence({ url, registered }: Published): string {
  if (registered === null) return url;
  const { model, version, alias, variant, seed } = registered;
  return `${url}; ${variant} seed ${seed} is version ${version} of ${model}${alias === null ? '' : `, its ${alias}`}`;
}

async function finished(store: Store, experimentId: string): Promise<ExperimentRecord & { result: Ref; report: Ref }> {
  const record = (await store.refs.get<ExperimentRecord>(refNames.experiment(experimentId)))?.value;
  if (record === undefined) throw new AssayError('NotFound', `the record of ${experimentId} is gone from ${store.url}`);
  const { result, report, approval, status } = record;
  if (approval?.state === 'waiting')
    throw new AssayError('Conflict', `${experimentId} waits for \`assay approve\` or \`assay reject\`, and is published after that`);
  if (result === null || report === null)
    throw new AssayError('NotFound', `experiment ${experimentId} has no result to publish: it is ${status}`);
  return { ...record, result, report };
}
