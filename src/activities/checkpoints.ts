import { join } from 'node:path';
import { AssayError, type CheckpointRecord, type RunKey, type RunRecord, type RunStart, refNames } from '../contract';
import type { Store } from '../store';
import { restoreFolder } from './place';

type Checkpoint = CheckpointRecord['checkpoints'][number];
type WarmStart = NonNullable<RunRecord['warmStart']>;

/** The record of a run; a warm start is pinned in it, so that every epoch begins with the same weights. */
interface RunCheckpoints extends CheckpointRecord {
  warmStart?: WarmStart;
}

export interface CheckpointOptions {
  /** Level of the remedy that this epoch trains under. */
  remedy: number;
  keep: {
    /** Newest checkpoints kept; default 3. */
    count: number;
    /** Older ones go, the newest apart; null keeps them. */
    seconds: number | null;
  };
  now?: () => number;
}

export interface Restored {
  checkpoint: Checkpoint;
  dir: string;
  events: Buffer;
  /** Null where there is none, or where it does not verify. */
  telemetry: Buffer | null;
}

const defaults: CheckpointOptions = { remedy: 0, keep: { count: 3, seconds: null } };

/**
 * A run's checkpoints as the store knows them. Only the newest epoch may write: opening the record for an epoch
 * fences off all earlier ones.
 */
export function runCheckpoints(store: Store, key: RunKey, { remedy, keep, now = Date.now }: CheckpointOptions = defaults) {
  const name = refNames.checkpoints(key.experimentId, key.variant, key.seed);
  const guarded = (old: RunCheckpoints | null, epoch: number): RunCheckpoints => {
    if (old && old.epoch > epoch) {
      throw new AssayError('Preempted', `epoch ${epoch} of ${key.variant} seed ${key.seed} is over: epoch ${old.epoch} has begun`);
    }
    return { ...old, schema: 'assay.checkpoints/1', epoch, checkpoints: old?.checkpoints ?? [] };
  };
  /** Damaged telemetry is no reason to train the same steps again. */
  const telemetryOf = async ({ step, telemetry }: Checkpoint, findings: string[]): Promise<Buffer | null> => {
    if (telemetry === null) return null;
    try {
      return await store.get(telemetry);
    } catch (error) {
      await mustBeDamage(store, name, error);
      findings.push(`telemetry up to step ${step} is lost: ${(error as Error).message}`);
      return null;
    }
  };

  return {
    /** With `start`, what this epoch's trainer is about to go on from is written down. */
    async open(epoch: number, start?: Omit<RunStart, 'epoch'>): Promise<RunCheckpoints> {
      return store.refs.update<RunCheckpoints>(name, (old) => {
        const record = guarded(old, epoch);
        if (start === undefined) return record;
        const earlier = (record.starts ?? []).filter((one) => one.epoch !== epoch);
        return { ...record, starts: [...earlier, { epoch, ...start }].slice(-mostStarts) };
      });
    },

    async add(epoch: number, checkpoint: Checkpoint): Promise<void> {
      await store.refs.update<RunCheckpoints>(name, (old) => {
        const record = guarded(old, epoch);
        // A late attempt of this epoch may be behind its successor: what is newer stays.
        if (record.checkpoints.some((c) => c.epoch === epoch && c.step >= checkpoint.step)) return record;
        // The ladder is never gone down again: what was trained under another remedy is of no use any more.
        const earlier = record.checkpoints.filter((c) => c.remedy === checkpoint.remedy && c.step < checkpoint.step);
        return { ...record, checkpoints: retained([...earlier, checkpoint], keep, now()) };
      });
    },

    /** The newest one of this remedy that verifies, restored below `dir`; corrupt ones are named in `findings`. */
    async restore(record: CheckpointRecord, dir: string, findings: string[]): Promise<Restored | null> {
      for (const checkpoint of [...record.checkpoints].reverse()) {
        if (checkpoint.remedy !== remedy) continue;
        const target = join(dir, `step-${checkpoint.step}`);
        try {
          const events = await store.get(checkpoint.events);
          await restoreFolder(store, checkpoint.manifest, target);
          return { checkpoint, dir: target, events, telemetry: await telemetryOf(checkpoint, findings) };
        } catch (error) {
          await mustBeDamage(store, name, error);
          findings.push(`checkpoint step-${checkpoint.step} set aside: ${(error as Error).message}`);
        }
      }
      return null;
    },

    /** The other run's checkpoint in `dir`: the one that an earlier epoch of this run began with, else the newest. */
    async warmStart(epoch: number, reference: string, dir: string, findings: string[]): Promise<WarmStart> {
      const pinned = (await store.refs.get<RunCheckpoints>(name))?.value.warmStart;
      const { run, step, manifest } = pinned ?? (await warmStartOf(store, reference, dir, findings));
      const record = await store.refs.update<RunCheckpoints>(name, (old) => ({
        ...guarded(old, epoch),
        warmStart: old?.warmStart ?? { run, step, manifest },
      }));
      const warmStart = record.warmStart ?? { run, step, manifest };
      await restoreFolder(store, warmStart.manifest, dir);
      return warmStart;
    },
  };
}

/** The newest checkpoint of a run, `<experimentId>/<variant>/seed-<n>`, that verifies, restored as `dir`. */
export async function warmStartOf(
  store: Store,
  reference: string,
  dir: string,
  findings: string[],
): Promise<WarmStart & { remedy: number }> {
  const [, experimentId = '', variant = '', seed = ''] = /^([^/]+)\/([^/]+)\/seed-(\d+)$/.exec(reference) ?? [];
  if (experimentId === '') {
    throw new AssayError('NotFound', `training.warmStart: "${reference}" names no run; expected EXPERIMENT/VARIANT/seed-N`);
  }
  const name = refNames.checkpoints(experimentId, variant, Number(seed));
  const checkpoints = (await store.refs.get<CheckpointRecord>(name))?.value.checkpoints ?? [];
  if (checkpoints.length === 0) throw await nothingThere(store, reference, experimentId);
  const damaged: string[] = [];
  for (const { step, manifest, remedy } of [...checkpoints].reverse()) {
    try {
      await restoreFolder(store, manifest, dir);
      findings.push(...damaged);
      return { run: reference, step, manifest, remedy };
    } catch (error) {
      await mustBeDamage(store, name, error);
      damaged.push(`checkpoint step-${step} of ${reference} set aside: ${(error as Error).message}`);
    }
  }
  const message = `training.warmStart: no checkpoint of ${reference} verifies; name another run. ${damaged.join('; ')}`;
  throw new AssayError('ObjectCorrupt', message, { details: { damaged } });
}

async function nothingThere(store: Store, reference: string, experimentId: string): Promise<AssayError> {
  const there: string[] = [];
  for (const name of await store.refs.list(`runs/${experimentId}/`)) {
    const [, run] = /^runs\/(.+)\/checkpoints$/.exec(name) ?? [];
    const record = run === undefined ? null : await store.refs.get<CheckpointRecord>(name);
    const newest = record?.value.checkpoints.at(-1);
    if (newest) there.push(`${run} (step ${newest.step})`);
  }
  const others =
    there.length === 0
      ? `no run of experiment ${experimentId} has one in the store ${store.url}; \`assay list\` shows the experiments`
      : `there are those of ${there.slice(0, most).join(', ')}${there.length > most ? ` and ${there.length - most} more` : ''}`;
  return new AssayError('NotFound', `training.warmStart: ${reference} has no checkpoint; ${others}`);
}

const most = 20;
const mostStarts = 200;

/** A store that is away is no damage: what it holds is still there, and the caller tries again. */
export async function mustBeDamage(store: Store, name: string, error: unknown): Promise<void> {
  if (!(error instanceof AssayError) || (error.type !== 'ObjectCorrupt' && error.type !== 'NotFound')) throw error;
  if (error.type === 'NotFound' && (await store.refs.get(name)) === null) {
    throw new AssayError(
      'StoreUnavailable',
      `The store ${store.url} has lost the name "${name}" that was read from it a moment ago, as if its disk were not mounted. Mount it, and the run goes on.`,
      { cause: error },
    );
  }
}

/** The newest stays whatever its age. */
function retained(checkpoints: Checkpoint[], { count, seconds }: CheckpointOptions['keep'], now: number): Checkpoint[] {
  const newest = checkpoints.slice(-Math.max(1, count));
  if (seconds === null) return newest;
  return newest.filter((c, i) => i === newest.length - 1 || Date.parse(c.savedAt) >= now - seconds * 1000);
}

export type { Checkpoint };
