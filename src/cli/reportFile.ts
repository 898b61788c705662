import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AssayError, type ExperimentRecord, type Result } from '../contract';
import type { Store } from '../store';
import { homeDir } from './home';

/** Writes the HTML report of a finished experiment where a person finds it; returns the path. */
export async function exportReport(store: Store, record: ExperimentRecord, path?: string): Promise<string> {
  const target = resolve(path ?? join(homeDir(), 'reports', `${record.experimentId}.html`));
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, await store.get(finished(record).report));
  return target;
}

export async function readResult(store: Store, record: ExperimentRecord): Promise<Result> {
  return store.getJson<Result>(finished(record).result);
}

/** The page as it was stored with the result. */
export async function finishedHtml(store: Store, record: ExperimentRecord): Promise<string> {
  return (await store.get(finished(record).report)).toString('utf8');
}

function finished(record: ExperimentRecord) {
  const { result, report } = record;
  if (!result || !report) {
    throw new AssayError(
      'NotFound',
      `experiment ${record.experimentId} has no result: it is ${record.status}${record.message ? ` (${record.message})` : ''}`,
    );
  }
  return { result, report };
}
