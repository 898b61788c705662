import { join } from 'node:path';
import { AssayError, type CheckpointRecord, type Ref, type RunKey, refNames } from '../contract';
import type { Store } from '../store';

type Checkpoint = CheckpointRecord['checkpoints'][number];

/** Newest checkpoints kept in the record of a run. */
const kept = 3;

/**
 * A run's checkpoints as the store knows them. Only the newest epoch may write: opening the record for an epoch
 * fences off all earlier ones.
 */
export function runCheckpoints(store: Store, key: RunKey) {
  const name = refNames.checkpoints(key.experimentId, key.variant, key.seed);
  const guarded = (old: CheckpointRecord | null, epoch: number): CheckpointRecord => {
    if (old && old.epoch > epoch) {
      throw new AssayError('Preempted', `epoch ${epoch} of ${key.variant} seed ${key.seed} is over: epoch ${old.epoch} has begun`);
    }
    return { schema: 'assay.checkpoints/1', epoch, checkpoints: old?.checkpoints ?? [] };
  };

  return {
    async open(epoch: number): Promise<CheckpointRecord> {
      return store.refs.update<CheckpointRecord>(name, (old) => guarded(old, epoch));
    },

    async add(epoch: number, checkpoint: Checkpoint): Promise<void> {
      await store.refs.update<CheckpointRecord>(name, (old) => {
        const record = guarded(old, epoch);
        const others = record.checkpoints.filter((c) => c.step < checkpoint.step);
        return { ...record, checkpoints: [...others, checkpoint].slice(-kept) };
      });
    },

    /** The newest one that verifies, restored into `dir`; corrupt ones are named in `findings`. */
    async restore(
      record: CheckpointRecord,
      dir: string,
      findings: string[],
    ): Promise<{ checkpoint: Checkpoint; dir: string; events: Buffer } | null> {
      for (const checkpoint of [...record.checkpoints].reverse()) {
        const target = join(dir, `step-${checkpoint.step}`);
        try {
          const events = await store.get(checkpoint.events);
          await store.fetchFolder(checkpoint.manifest, target);
          return { checkpoint, dir: target, events };
        } catch (error) {
          if (!(error instanceof AssayError) || (error.type !== 'ObjectCorrupt' && error.type !== 'NotFound')) throw error;
          findings.push(`checkpoint step-${checkpoint.step} set aside: ${error.message}`);
        }
      }
      return null;
    },
  };
}

export type { Checkpoint, Ref };
