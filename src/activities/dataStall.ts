import { parseEvent } from '../executor/events';

/** Share of step time spent waiting for data, 0 to 1, from `seconds` and `data_seconds` of the step events; null where they lack them. */
export function dataStallOf(events: Buffer): number | null {
  let waiting = 0;
  let all = 0;
  for (const { seconds, dataSeconds } of stepTimes(events)) {
    if (dataSeconds === null) continue;
    all += seconds;
    waiting += dataSeconds;
  }
  return all > 0 ? Math.min(1, waiting / all) : null;
}

/** Of the step events that say how long they took. Trainers in Python may write NaN beside it, which JSON does not know. */
export function stepTimes(events: Buffer): { seconds: number; dataSeconds: number | null }[] {
  return events
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      const event = line.includes('"seconds"') ? parseEvent(line) : null;
      if (event?.type !== 'step' || typeof event.seconds !== 'number') return [];
      return [{ seconds: event.seconds, dataSeconds: typeof event.data_seconds === 'number' ? event.data_seconds : null }];
    });
}
