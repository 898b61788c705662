import type { Leaks, ResolvedSpec } from '../contract';
import { readColumns } from './columns';
import type { Database } from './database';
import type { Examples } from './examples';
import { type Revealing, revealingClass, trainingByClass } from './revealing';
import { cellsOfPicture, imagePairs } from './nearDuplicates/images';
import { Likeness } from './nearDuplicates/likeness';
import { rowPairs } from './nearDuplicates/rows';
import { placeRows } from './placed';
import { unitsAcross } from './units';

export interface LeakOptions {
  /** Reads a file of a folder source as it was stored; `digest` is its SHA-256 as in the manifest. Tables need none. */
  read?: ((path: string, digest: string) => Promise<Buffer>) | undefined;
  heartbeat?: (() => void) | undefined;
}

/** What would let a model know the answers beforehand, exact copies apart (`findOverlap`). Needs the tables raw, examples and assigned. */
export async function findLeaks(
  db: Database,
  spec: ResolvedSpec,
  examples: Examples,
  { read, heartbeat = () => undefined }: LeakOptions = {},
): Promise<Leaks> {
  const { nearDuplicates: bound, labelAuc } = spec.checks.leaks;
  const folder = Number((await db.first('SELECT count(path) FROM examples'))[0]) > 0;
  const placed = await placeRows(db, folder ? cellsOfPicture : examples.features.length);
  heartbeat();
  const likeness = bound === false || folder ? null : new Likeness(placed);
  const training = trainingByClass(placed);
  const revealing: Revealing[] = [];
  for await (const column of readColumns(db, examples.features, placed, likeness !== null)) {
    const found = revealingClass(column, training, labelAuc);
    if (found !== null) revealing.push(found);
    likeness?.add(column);
    heartbeat();
  }
  return {
    nearDuplicates:
      bound === false
        ? null
        : likeness === null
          ? await imagePairs(db, placed, bound, read, heartbeat)
          : await rowPairs(db, placed, likeness, bound, heartbeat),
    unitsAcross: await unitsAcross(db, spec),
    revealing: revealing.sort((a, b) => b.auc - a.auc || (a.column < b.column ? -1 : 1)),
  };
}
