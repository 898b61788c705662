/** Works on the items, at most `limit` at a time; after a failure no further one is begun, and it is thrown when those under way have ended. */
export async function inParallel<T>(items: Iterable<T>, limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    for (let next = left.next(); !next.done && failures.length === 0; next = left.next())
      await work(next.value).catch((error: unknown) => failures.push(error));
  };
  await Promise.all(Array.from({ length: limit }, lane));
  if (failures.length > 0) throw failures[0];
}

const last = new Map<string, Promise<unknown>>();

/** What this process does at one place happens in turn, in the order of the calls. */
export async function inTurn<T>(place: string, work: () => Promise<T>): Promise<T> {
  const before = last.get(place);
  const mine = (async () => {
    await before?.catch(() => undefined);
    return await work();
  })();
  last.set(place, mine);
  try {
    return await mine;
  } finally {
    if (last.get(place) === mine) last.delete(place);
  }
}
