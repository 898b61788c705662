import { type Ref, type Result, type Snapshot, splitNames } from '../../contract';
import type { Store } from '../../store';
import { named } from '../datasets';
import type { Mlflow } from './client';
import type { ServerRun } from './runs';

/** The splits as `runs/log-inputs` takes them, each by the digest of its rows. */
export async function datasetInputs(store: Store, { snapshot }: Result): Promise<Record<string, unknown>[]> {
  const { splits, data, origin, source } = await store.getJson<Snapshot>({ digest: snapshot.record });
  return splitNames
    .filter((name) => splits[name].rows > 0)
    .map((name) => ({
      tags: [{ key: 'mlflow.data.context', value: name }],
      dataset: {
        name: named(source).name.slice(0, 500),
        digest: shortDigest(splits[name].ref),
        source_type: origin.kind,
        source: JSON.stringify({
          uri: source,
          snapshot: data.digest,
          split: name,
          rows: splits[name].ref.digest,
          store: store.url.split(',')[0],
        }),
        profile: JSON.stringify({ num_rows: splits[name].rows, classes: snapshot.classes.length }),
      },
    }));
}

/** MLflow takes 36 characters. */
const shortDigest = ({ digest }: Ref): string => digest.replace('sha256:', '').slice(0, 36);

/** Sent again they stay single. */
export async function logInputs(mlflow: Mlflow, run: ServerRun, datasets: Record<string, unknown>[]): Promise<void> {
  if (datasets.length > 0) await mlflow.post('runs/log-inputs', { run_id: run.id, datasets });
}
