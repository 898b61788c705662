import { randomUUID } from 'node:crypto';
import { AssayError, refNames } from '../../contract';
import type { Store } from '../../store';

/** Who publishes an experiment just now: two at once could each make a run that neither has seen. */
interface Turn {
  schema: 'assay.turn/1';
  holder: string;
  /** ISO 8601; without a renewal until then it is over, as when its process was killed. */
  until: string;
}

/** Milliseconds. */
const [lasts, renewed] = [12_000, 3000];

/** Does the work while nobody else does; `Conflict` where somebody does. */
export async function inTurn<T>(store: Store, experimentId: string, work: (lost: AbortSignal) => Promise<T>): Promise<T> {
  const name = refNames.publishing(experimentId);
  const holder = randomUUID();
  const take = async (): Promise<boolean> => {
    const turn: Turn = { schema: 'assay.turn/1', holder, until: new Date(Date.now() + lasts).toISOString() };
    const now = await store.refs.update<Turn>(name, (old) =>
      old !== null && old.holder !== holder && Date.parse(old.until) > Date.now() ? old : turn,
    );
    return now.holder === holder;
  };
  if (!(await take())) throw new AssayError('Conflict', `${experimentId} is being published by another just now; try again in a moment`);
  const lost = new AbortController();
  let renewedAt = performance.now();
  const timer = setInterval(() => {
    const began = performance.now();
    // One more would come too late.
    if (began - renewedAt > lasts - renewed)
      lost.abort(new AssayError('Conflict', `the store is away, and another may publish ${experimentId} by now`));
    take().then(
      (mine) => {
        renewedAt = began;
        if (!mine) lost.abort(new AssayError('Conflict', `another publishes ${experimentId} now`));
      },
      // A store that is away for a moment: the next renewal may come in time.
      () => undefined,
    );
  }, renewed);
  try {
    return await work(lost.signal);
  } finally {
    clearInterval(timer);
    const mine = await store.refs.get<Turn>(name).catch(() => null);
    if (mine?.value.holder === holder) await store.refs.remove(name, mine.version).catch(() => undefined);
  }
}
