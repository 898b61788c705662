import {
  AssayError,
  type CheckpointRecord,
  type Content,
  type ExperimentRecord,
  Manifest,
  mediaTypes,
  type ProvenanceObject,
  type Ref,
  refNames,
  type RunKey,
  type RunRecord,
  type Snapshot,
  type SnapshotRecord,
  splitNames,
} from '../../contract';
import type { Store } from '../../store';
import { inParallel } from '../../store/parallel';

/** Files of a folder that are listed one by one; of a larger one the manifest, which has the digest of each, stands for them. */
const listedFiles = 256;
const atOnce = 8;

/** What an experiment's result is made from, by reference. */
export interface Sources {
  experimentId: string;
  spec: Ref;
  provenance: Ref;
  snapshot: Ref;
  findings: Ref | null;
  latency: { variant: string; lines: Ref }[];
  /** `PredictionProfile` objects by variant. */
  profiles: Record<string, Ref>;
  /** `record` is that of a run that trained, a `RunRecord`. */
  runs: { key: RunKey; record: Ref | null }[];
}

/** Every object that a result is made from, under the name that a person knows it by, in order of the names. */
export async function contentsOf(store: Store, sources: Sources): Promise<Content[]> {
  const listing = new Listing(store);
  listing.add('spec.json', sources.spec);
  const [provenance, snapshot, record] = await Promise.all([
    listing.json<ProvenanceObject>('provenance.json', sources.provenance),
    listing.json<Snapshot>('snapshot', sources.snapshot),
    store.refs.get<ExperimentRecord>(refNames.experiment(sources.experimentId)),
  ]);
  listing.add('provenance/git.diff', provenance?.git.diff);
  await listing.folder('code', record?.value.code);
  if (snapshot !== null) await listSnapshot(store, listing, snapshot);
  listing.add('checks/findings.json', sources.findings);
  for (const { variant, lines } of sources.latency) listing.add(`latency/${variant}.jsonl`, lines);
  for (const [variant, ref] of Object.entries(sources.profiles)) listing.add(`profiles/predictions/${variant}.json`, ref);
  await inParallel(sources.runs, atOnce, ({ key, record: run }) => listRun(store, listing, key, run));
  return listing.sorted();
}

export const runFolder = ({ variant, seed }: Pick<RunKey, 'variant' | 'seed'>): string => `runs/${variant}/seed-${seed}`;

async function listSnapshot(store: Store, listing: Listing, { data, origin, splits, profiles, slices }: Snapshot): Promise<void> {
  await listing.folder('snapshot/data', data);
  for (const split of splitNames) {
    listing.add(`snapshot/${split}.jsonl`, splits[split]?.ref);
    listing.add(`snapshot/profiles/${split}.json`, profiles[split]);
  }
  listing.add('snapshot/profiles/all.json', (await store.refs.get<SnapshotRecord>(refNames.snapshot(data.digest)))?.value.profile);
  for (const { name, ref } of slices ?? []) listing.add(`snapshot/slices/${name}`, ref);
  // Snapshots of earlier versions have no origin.
  if (origin?.kind === 's3') listing.add('snapshot/versions.json', origin.versions);
}

async function listRun(store: Store, listing: Listing, key: RunKey, ref: Ref | null): Promise<void> {
  const folder = runFolder(key);
  const run = ref === null ? null : await listing.json<RunRecord>(`${folder}/record.json`, ref);
  if (run !== null) {
    const { predictions, model, events, log, result, telemetry } = run.artifacts;
    await listing.folder(`${folder}/predictions`, predictions);
    await listing.folder(`${folder}/model`, model);
    listing.add(`${folder}/events.jsonl`, events);
    listing.add(`${folder}/log.txt`, log);
    listing.add(`${folder}/result.json`, result);
    listing.add(`${folder}/telemetry.jsonl`, telemetry);
    await listing.folder(`${folder}/warm-start`, run.warmStart?.manifest);
  }
  const kept = await store.refs.get<CheckpointRecord>(refNames.checkpoints(key.experimentId, key.variant, key.seed));
  for (const { step, manifest, events, telemetry } of kept?.value.checkpoints ?? []) {
    const checkpoint = `${folder}/checkpoints/step-${step}`;
    await listing.folder(checkpoint, manifest);
    listing.add(`${checkpoint}.events.jsonl`, events);
    listing.add(`${checkpoint}.telemetry.jsonl`, telemetry);
  }
}

class Listing {
  readonly #store: Store;
  readonly #found = new Map<string, Content>();

  constructor(store: Store) {
    this.#store = store;
  }

  add(name: string, ref: Ref | null | undefined): void {
    if (ref) this.#found.set(name, { name, digest: ref.digest, size: ref.size, mediaType: ref.mediaType });
  }

  async folder(name: string, ref: Ref | null | undefined): Promise<void> {
    this.add(name, ref);
    if (!ref) return;
    const manifest = Manifest.safeParse(await this.#read(ref));
    const files = manifest.success ? manifest.data.files : [];
    if (files.length > listedFiles) return;
    for (const { path, digest, size } of files)
      this.add(`${name}/${path}`, { digest, size, mediaType: path.endsWith('.npy') ? mediaTypes.npy : mediaTypes.bytes });
  }

  async json<T>(name: string, ref: Ref): Promise<T | null> {
    this.add(name, ref);
    return (await this.#read(ref)) as T | null;
  }

  sorted(): Content[] {
    return [...this.#found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What is damaged or gone is listed all the same, and is for `assay verify` to tell. */
  async #read(ref: Ref): Promise<unknown> {
    try {
      return await this.#store.getJson<unknown>(ref);
    } catch (error) {
      if (error instanceof SyntaxError || (error instanceof AssayError && !error.retryable)) return null;
      throw error;
    }
  }
}
