import { setTimeout as delay } from 'node:timers/promises';

/** Between tries: 50 ms and doubling, at most 2 s, drawn at random so that those who collided do not meet again. */
export async function pause(attempt: number, signal?: AbortSignal): Promise<void> {
  await delay(Math.random() * Math.min(2_000, 50 * 2 ** attempt), undefined, signal === undefined ? {} : { signal });
}
