import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { AssayError, type ExperimentRecord, type ProvenanceObject } from '../contract';
import type { Store } from '../store';
import { exportReport, readResult } from './reportFile';

/** Predictions and records as plain files, with `manifest.json` naming the digest of each. Returns the folder. */
export async function exportExperiment(store: Store, record: ExperimentRecord, output: string): Promise<string> {
  const dir = resolve(output);
  if ((await readdir(dir).catch(() => [])).length > 0) {
    throw new AssayError('Forbidden', `${dir} is not empty: name a new folder with -o, so that nothing is mixed up`);
  }
  const result = await readResult(store, record);
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  await writeFile(join(dir, 'spec.yaml'), (await store.getJson<ProvenanceObject>(record.provenance)).source);
  await exportReport(store, record, join(dir, 'report.html'));
  for (const variant of result.variants) {
    for (const run of variant.runs) {
      const folder = join(dir, 'runs', variant.name, `seed-${run.seed}`);
      await mkdir(folder, { recursive: true });
      const { predictions, events, log, result: own } = run.artifacts;
      if (predictions) await store.fetchFolder(predictions, join(folder, 'predictions'));
      if (events) await store.fetchTo(events, join(folder, 'events.jsonl'));
      if (log) await store.fetchTo(log, join(folder, 'log.txt'));
      if (own) await store.fetchTo(own, join(folder, 'result.json'));
    }
  }
  await writeFile(
    join(dir, 'manifest.json'),
    `${JSON.stringify({ experiment: record.experimentId, files: await digests(dir) }, null, 2)}\n`,
  );
  return dir;
}

async function digests(dir: string): Promise<{ path: string; size: number; digest: string }[]> {
  const names = (await readdir(dir, { recursive: true })).sort();
  const files = [];
  for (const name of names) {
    const path = join(dir, name);
    const { size } = await stat(path);
    if (!(await stat(path)).isFile()) continue;
    const digest = `sha256:${createHash('sha256')
      .update(await readFile(path))
      .digest('hex')}`;
    files.push({ path: relative(dir, path), size, digest });
  }
  return files;
}
