import { Readable } from 'node:stream';
import type { Manifest, Ref } from '../../contract';
import type { Store } from '../../store';
import type { Mlflow } from './client';
import type { Tag } from './names';
import type { ServerRun } from './runs';

/** A file or folder of a run's artifacts. */
export interface Artifact {
  /** Its place below the run's artifacts, e.g. `model`, `report.html`. */
  path: string;
  /** Of its content: what makes a second upload needless. */
  digest: string;
  files: ArtifactFile[];
}

interface ArtifactFile {
  /** `.` where the artifact is one file. */
  path: string;
  size: number;
  open: () => Promise<Readable>;
}

export const fileArtifact = (store: Store, path: string, ref: Ref): Artifact => ({
  ...{ path, digest: ref.digest },
  files: [{ path: '.', size: ref.size, open: () => store.stream(ref) }],
});

export function textArtifact(path: string, text: string, digest: string): Artifact {
  const bytes = Buffer.from(text);
  return { path, digest, files: [{ path: '.', size: bytes.length, open: async () => Readable.from([bytes]) }] };
}

/** A folder kept in the store, by its manifest. */
export async function folderArtifact(store: Store, path: string, ref: Ref): Promise<Artifact> {
  const { files } = await store.getJson<Manifest>(ref);
  return { path, digest: ref.digest, files: files.map((file) => ({ ...file, open: () => store.stream(file) })) };
}

export const sizeOf = ({ files }: Artifact): number => files.reduce((sum, { size }) => sum + size, 0);

/** Where the server takes artifacts of a run; null where it keeps them outside its proxy, out of our reach. */
export function artifactRoot({ artifactUri }: ServerRun): string | null {
  const [, path] = /^mlflow-artifacts:(?:\/\/[^/]*)?\/(.+)$/.exec(artifactUri) ?? [];
  return path?.replace(/\/+$/, '') ?? null;
}

const tagOf = (path: string): string => `assay.artifact.${path}`;
const begun = 'begun ';

/** Of less nobody minds to send it again. */
const smallBytes = 8 * 2 ** 20;

/**
 * Uploads what the run lacks, and returns the tag that says so. Of something large a tag says at once that its content was begun: a file of
 * the right size is then not sent again. Files of other content are replaced.
 */
export async function uploadArtifact(
  mlflow: Mlflow,
  run: ServerRun,
  artifact: Artifact,
  { log, sent }: { log: (tag: Tag) => Promise<void>; sent: () => void },
): Promise<Tag[]> {
  const root = artifactRoot(run);
  if (root === null) return [];
  const known = run.tags.get(tagOf(artifact.path));
  if (known === artifact.digest) return [];
  // Of other content a size says nothing.
  const resumed = known === `${begun}${artifact.digest}`;
  const there = resumed ? await sizesBelow(mlflow, run.id, artifact) : new Map<string, number>();
  if (known === undefined && sizeOf(artifact) > smallBytes) await log({ key: tagOf(artifact.path), value: `${begun}${artifact.digest}` });
  for (const file of artifact.files) {
    const path = file.path === '.' ? artifact.path : `${artifact.path}/${file.path}`;
    if (there.get(path) === file.size) continue;
    await mlflow.upload(`${root}/${path}`, await file.open(), file.size);
    sent();
  }
  const whole = { key: tagOf(artifact.path), value: artifact.digest };
  if (sizeOf(artifact) <= smallBytes) return [whole];
  await log(whole);
  return [];
}

interface Listed {
  files?: { path: string; is_dir?: boolean; file_size?: number | string }[];
}

/** Sizes by path below the run's artifacts, of the folders that the artifact has. */
async function sizesBelow(mlflow: Mlflow, runId: string, { path, files }: Artifact): Promise<Map<string, number>> {
  const folders = new Set(files.map((file) => parentOf(file.path === '.' ? path : `${path}/${file.path}`)));
  const sizes = new Map<string, number>();
  for (const folder of folders) {
    const listed = await mlflow.get<Listed>('artifacts/list', { run_id: runId, ...(folder === '' ? {} : { path: folder }) });
    for (const one of listed.files ?? []) if (one.is_dir !== true) sizes.set(one.path, Number(one.file_size ?? 0));
  }
  return sizes;
}

const parentOf = (path: string): string => path.split('/').slice(0, -1).join('/');
