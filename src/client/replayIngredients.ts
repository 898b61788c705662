import {
  AssayError,
  type CheckpointRecord,
  type Manifest,
  type Ref,
  type ReplayRun,
  type ResolvedSpec,
  type RunResult,
  type Snapshot,
  refNames,
} from '../contract';
import type { Store } from '../store';

/** Something without which a replay cannot be run, or would not be the same. */
export interface Ingredient {
  name: string;
  state: 'there' | 'missing' | 'differs' | 'unknown';
  detail: string;
  /** Empty where there is nothing to mend. */
  mend: string;
}

/** A run that is repeated. */
export interface Chosen {
  variant: string;
  run: RunResult;
}

interface Wanted {
  of: string;
  snapshot: Ref;
  spec: ResolvedSpec;
  code: Ref | null;
  chosen: Chosen[];
  warmStarts: Map<string, NonNullable<ReplayRun['warmStart']>>;
}

/** Every object of the store that a replay reads: asked for, not read, so that it costs little whatever their size. */
export async function objectsOf(store: Store, { of, snapshot, spec, code, chosen, warmStarts }: Wanted): Promise<Ingredient[]> {
  const found = [
    await ingredient(store, 'snapshot', async (ask) => {
      const { data, splits } = await ask.json<Snapshot>('its record', snapshot);
      await ask.folder('', data);
      for (const [name, { ref }] of Object.entries(splits)) ask.object(`the ${name} split`, ref);
    }),
    await ingredient(store, 'code', async (ask) => {
      if (code !== null) await ask.folder('', code);
    }),
    await ingredient(store, 'runs to compare with', async (ask) => {
      for (const { variant, run } of chosen) {
        const { predictions, events } = run.artifacts;
        if (events !== null) ask.object(`events of ${variant} seed ${run.seed}`, events);
        if (predictions !== null) await ask.folder(`predictions of ${variant} seed ${run.seed}: `, predictions);
      }
    }),
  ];
  if (spec.training.warmStart !== undefined && chosen.some(({ run }) => run.warmStart !== null))
    found.push(await warm(store, of, chosen, warmStarts));
  return found;
}

/** The checkpoints of other runs that these began with, by `variant/seed`. */
export async function warmStartsOf(store: Store, of: string, chosen: Chosen[]): Promise<Wanted['warmStarts']> {
  const found: Wanted['warmStarts'] = new Map();
  for (const { variant, run } of chosen) {
    if (!run.warmStart) continue;
    const record = await store.refs.get<CheckpointRecord>(refNames.checkpoints(of, variant, run.seed));
    if (record?.value.warmStart) found.set(`${variant}/${run.seed}`, record.value.warmStart);
  }
  return found;
}

async function warm(store: Store, of: string, chosen: Chosen[], warmStarts: Wanted['warmStarts']): Promise<Ingredient> {
  const nameless = chosen.filter(({ variant, run }) => run.warmStart !== null && !warmStarts.has(`${variant}/${run.seed}`));
  if (nameless.length > 0) {
    const which = nameless.map(({ variant, run }) => `${variant} seed ${run.seed}`).join(', ');
    const detail = `the record of ${of} no longer says which checkpoint ${which} started from`;
    return { name: 'warm start', state: 'missing', detail, mend: 'restore the store’s names from a backup' };
  }
  return ingredient(store, 'warm start', async (ask) => {
    for (const { run, step, manifest } of warmStarts.values()) await ask.folder(`step ${step} of ${run}: `, manifest);
  });
}

interface Asking {
  object(what: string, ref: Pick<Ref, 'digest'>): void;
  json<T>(what: string, ref: Ref): Promise<T>;
  folder(what: string, manifest: Ref): Promise<void>;
}

/** One that is in the store whole, or that names what of it is not. */
async function ingredient(store: Store, name: string, list: (ask: Asking) => Promise<void>): Promise<Ingredient> {
  const wanted = new Map<string, string>();
  const missing: string[] = [];
  const ask: Asking = {
    object: (what, { digest }) => void wanted.set(digest, what),
    async json<T>(what: string, ref: Ref): Promise<T> {
      try {
        return await store.getJson<T>(ref);
      } catch (error) {
        if (!(error instanceof AssayError) || (error.type !== 'NotFound' && error.type !== 'ObjectCorrupt')) throw error;
        missing.push(`${what} (${ref.digest})`);
        throw new Unreadable();
      }
    },
    async folder(what, manifest) {
      const { files } = await ask.json<Manifest>(`${what}the list of its files`, manifest);
      for (const { path, digest } of files) wanted.set(digest, `${what}${path}`);
    },
  };
  try {
    await list(ask);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
  const left = wanted.entries();
  const lane = async (): Promise<void> => {
    for (let next = left.next(); !next.done; next = left.next()) {
      const [digest, what] = next.value;
      if (!(await store.has({ digest }))) missing.push(`${what} (${digest})`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  if (missing.length === 0) return { name, state: 'there', detail: '', mend: '' };
  const more = missing.length > shown ? ` and ${missing.length - shown} more` : '';
  const detail = `not in ${store.url}: ${missing.sort().slice(0, shown).join(', ')}${more}`;
  return { name, state: 'missing', detail, mend: 'restore from a backup; `assay store scrub` repairs from a replica' };
}

/** A list without which the rest of an ingredient is not known. */
class Unreadable extends Error {}

const atOnce = 16;
const shown = 5;
