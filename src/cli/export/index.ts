import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import {
  AssayError,
  type ExperimentRecord,
  Manifest,
  type ProvenanceObject,
  type Ref,
  type Result,
  type Snapshot,
  splitNames,
} from '../../contract';
import { type ExportManifest, runFolder } from '../../publish/contents';
import { modelCard } from '../../report/modelCard';
import { hashFile, type Store } from '../../store';
import { readResult } from '../reportFile';
import { version } from '../version';
import { buildFolder } from './buildFolder';
import { environments } from './environment';
import { type Part, parts } from './parts';
import { writePredictions } from './predictions';
import { readme } from './readme';
import { writeTables } from './tables';

export interface ExportOptions {
  /** Default: all but the models. */
  parts?: ReadonlySet<Part>;
  onProgress?: (done: { files: number; bytes: number }) => void;
}

export interface Exported {
  schema: 'assay.exported/1';
  folder: string;
  experiment: string;
  /** Digest of the result in the store, which signs what it lists. */
  result: string;
  files: number;
  bytes: number;
  /** Bytes of the trained models, exported or not. */
  models: number;
}

/** An experiment as plain files in a new folder, which appears when it is whole; `manifest.json` names the digest of each. */
export async function exportExperiment(
  store: Store,
  record: ExperimentRecord,
  output: string,
  options: ExportOptions = {},
): Promise<Exported> {
  const wanted = options.parts ?? new Set(parts.filter((part) => part !== 'models'));
  const result = await readResult(store, record);
  const signature = record.result?.digest ?? '';
  const plan = await planned(store, record, result);
  const chosen = plan.filter(({ part }) => part === null || wanted.has(part));
  const folder = resolve(output);
  return await buildFolder(
    folder,
    chosen.reduce((sum, { bytes }) => sum + bytes, 0),
    async (dir, scratch) => {
      const done = { files: 0, bytes: 0 };
      const stored = new Map<string, string>();
      for (const { path, ref, isFolder, bytes } of chosen) {
        await mkdir(dirname(join(dir, path)), { recursive: true });
        if (isFolder) await store.fetchFolder(ref, join(dir, path));
        else {
          await store.fetchTo(ref, join(dir, path));
          stored.set(path, ref.digest);
        }
        done.files++;
        done.bytes += bytes;
        options.onProgress?.(done);
      }
      await writeRecords(store, record, result, dir);
      if (wanted.has('predictions')) await writePredictions(result, dir, scratch);
      if (wanted.has('tables')) await writeTables(result, join(dir, 'tables'), scratch);
      await writeFile(join(dir, 'README.md'), readme(result, { parts: wanted, signature }));
      const files = await digests(dir, stored);
      const manifest: ExportManifest = {
        schema: 'assay.export/1',
        assay: version,
        experiment: record.experimentId,
        result: signature,
        parts: parts.filter((part) => wanted.has(part)),
        files,
      };
      await writeFile(join(dir, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
      const bytes = files.reduce((sum, { size }) => sum + size, 0);
      const models = plan.filter(({ part }) => part === 'models').reduce((sum, one) => sum + one.bytes, 0);
      return { schema: 'assay.exported/1', folder, experiment: record.experimentId, result: signature, files: files.length, bytes, models };
    },
  );
}

interface Planned {
  /** Null: always there. */
  part: Part | null;
  path: string;
  ref: Ref;
  isFolder: boolean;
  bytes: number;
}

/** What is copied from the store as it is, with its size. */
async function planned(store: Store, record: ExperimentRecord, result: Result): Promise<Planned[]> {
  const plan: Planned[] = [];
  const file = (part: Part | null, path: string, ref: Ref | null | undefined): void => {
    if (ref) plan.push({ part, path, ref, isFolder: false, bytes: ref.size });
  };
  const folder = async (part: Part, path: string, ref: Ref | null | undefined, factor = 1): Promise<void> => {
    if (!ref) return;
    const { files } = Manifest.parse(await store.getJson(ref));
    plan.push({ part, path, ref, isFolder: true, bytes: factor * files.reduce((sum, { size }) => sum + size, 0) });
  };
  file(null, 'spec.json', record.spec);
  file(null, 'provenance.json', record.provenance);
  file(null, 'provenance/git.diff', result.provenance.git.diff);
  file('report', 'report.html', record.report);
  await folder('code', 'code', record.code);
  if (record.snapshot !== null) {
    const { splits } = await store.getJson<Snapshot>(record.snapshot);
    for (const split of splitNames) file('splits', `snapshot/${split}.jsonl`, splits[split]?.ref);
  }
  for (const content of result.contents ?? []) if (/^latency\/[^/]+\.jsonl$/.test(content.name)) file('latency', content.name, content);
  for (const { name: variant, runs } of result.variants)
    for (const { seed, artifacts } of runs) {
      const at = runFolder({ variant, seed });
      // Once as they are, and once as a table.
      await folder('predictions', `${at}/predictions`, artifacts.predictions, 2);
      await folder('models', `${at}/model`, artifacts.model);
      file('logs', `${at}/log.txt`, artifacts.log);
      file('logs', `${at}/events.jsonl`, artifacts.events);
      file('telemetry', `${at}/telemetry.jsonl`, artifacts.telemetry);
      file(null, `${at}/result.json`, artifacts.result);
    }
  return plan;
}

async function writeRecords(store: Store, record: ExperimentRecord, result: Result, dir: string): Promise<void> {
  const json = (name: string, value: unknown): Promise<void> => writeFile(join(dir, name), `${JSON.stringify(value, null, 2)}\n`);
  await json('result.json', result);
  await json('experiment.json', record);
  await writeFile(join(dir, 'spec.yaml'), (await store.getJson<ProvenanceObject>(record.provenance)).source);
  await writeFile(join(dir, 'MODEL_CARD.md'), modelCard(result));
  const { document, requirements } = environments(result);
  await json('environment.json', document);
  for (const [name, text] of Object.entries(requirements)) await writeFile(join(dir, name), text);
}

/** What came from the store under its digest was hashed on the way. */
async function digests(dir: string, stored: ReadonlyMap<string, string>): Promise<ExportManifest['files']> {
  const files: ExportManifest['files'] = [];
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1));
  for (const path of paths.sort()) {
    const known = stored.get(path);
    const { digest, size } = known === undefined ? await hashFile(join(dir, path)) : { digest: known, ...(await stat(join(dir, path))) };
    files.push({ path, size, digest });
  }
  if (files.length === 0) throw new AssayError('Internal', `nothing was written below ${dir}`);
  return files;
}
