import type { PlaceInLine, PoolState } from '../contract';

/** Where a request stands among those that wait; null where it does not wait. */
export function placeInLine({ waiting }: PoolState, requestId: string): PlaceInLine | null {
  const index = waiting.findIndex(({ request }) => request.requestId === requestId);
  const found = waiting[index];
  return found === undefined ? null : { place: index + 1, of: waiting.length, since: found.since, why: found.why };
}
