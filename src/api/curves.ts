import { type CheckpointRecord, type CurvePoint, type Progress, type Ref, refNames, type Result } from '../contract';
import { lossCurve } from '../executor/curve';
import type { Context } from './context';
import type { CurveNow } from './events/feed';
import { outcomeOf, recordOf } from './outcomes';

/** Curves that are read at most for one answer; more lines than that say nothing in a drawing. */
export const mostCurves = 200;
/** Events of a larger run are not read for a drawing: it stands in the report. */
const largestEvents = 32 * 2 ** 20;
const atOnce = 8;
/** Curves of ended runs and of checkpoints, which never change: a few kilobytes each. */
const mostKept = 1000;

/** The whole loss curve of each run: of a training one from its heartbeat, of the others from what they stored. */
export async function curvesOf(context: Context, progress: Progress, live: readonly CurveNow[]): Promise<CurveNow[]> {
  const { experimentId, runs } = progress;
  const started = runs.filter(({ epoch }) => epoch > 0).slice(0, mostCurves);
  const found: CurveNow[] = [];
  for (let from = 0; from < started.length; from += atOnce) {
    const some = started.slice(from, from + atOnce).map(async ({ variant, seed, state }): Promise<CurveNow> => {
      const now = state === 'training' ? live.find((one) => one.variant === variant && one.seed === seed) : undefined;
      if (now !== undefined) return now;
      // A store that is away costs the drawing, not the page.
      const points = await storedCurve(context, experimentId, variant, seed, state === 'done').catch(() => []);
      return { variant, seed, points };
    });
    found.push(...(await Promise.all(some)));
  }
  return found;
}

/** As the report has them. */
export const curvesOfResult = ({ variants }: Pick<Result, 'variants'>): CurveNow[] =>
  variants.flatMap(({ name, runs }) =>
    runs.map(({ seed, curve }) => ({ variant: name, seed, points: curve.map(({ step, loss }): CurvePoint => [step, loss]) })),
  );

/** Of an ended run its record's, of another one that of its newest checkpoint. */
async function storedCurve(context: Context, id: string, variant: string, seed: number, done: boolean): Promise<readonly CurvePoint[]> {
  const record = done ? await recordOf(context, await outcomeOf(context, id, variant, seed)) : null;
  const events = record?.artifacts.events ?? (await newestCheckpoint(context, id, variant, seed))?.events;
  return events === undefined ? [] : curveOfEvents(context, events);
}

async function newestCheckpoint({ store }: Context, id: string, variant: string, seed: number) {
  const found = await store.refs.get<CheckpointRecord>(refNames.checkpoints(id, variant, seed));
  return found?.value.checkpoints.at(-1);
}

const kept = new Map<string, readonly CurvePoint[]>();

async function curveOfEvents({ store }: Context, events: Ref): Promise<readonly CurvePoint[]> {
  const known = kept.get(events.digest);
  if (known !== undefined) return known;
  if (events.size > largestEvents) return [];
  const points = lossCurve(await store.get(events));
  const [oldest] = kept.keys();
  if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest);
  kept.set(events.digest, points);
  return points;
}
