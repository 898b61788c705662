/** Shares the experiments among worker threads; experiment r of a situation has a stream of its own, so that sharing changes nothing. */
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { Random } from './random.mjs';
import { situations } from './situations.mjs';

const chunk = 50;

/** `chosen`: places of situations and of their rows. Gives counts of each of these rows, { trials, hits, silent }, and the seconds they took. */
export async function simulate(chosen, { trials, resamples, threads }) {
  const tasks = chosen.flatMap((choice) => {
    const list = [];
    for (let from = 0; from < trials; from += chunk) list.push({ ...choice, from, to: Math.min(trials, from + chunk), resamples });
    return list;
  });
  const counts = new Map(chosen.map(({ situation, rows }) => [situation, rows.map(() => ({ trials: 0, hits: 0, silent: 0, seconds: 0 }))]));
  let next = 0;
  await Promise.all(
    Array.from(
      { length: Math.min(threads, tasks.length) },
      () =>
        new Promise((done, fail) => {
          const worker = new Worker(new URL(import.meta.url));
          const give = () => {
            if (next < tasks.length) worker.postMessage(tasks[next++]);
            else worker.terminate().then(done, fail);
          };
          worker.on('error', fail);
          worker.on('message', ({ situation, found }) => {
            found.forEach((row, i) => {
              const total = counts.get(situation)[i];
              for (const key of Object.keys(row)) total[key] += row[key];
            });
            give();
          });
          give();
        }),
    ),
  );
  return counts;
}

if (!isMainThread) {
  parentPort.on('message', ({ situation, rows, from, to, resamples }) => {
    const { name, make, rows: all } = situations[situation];
    const methods = rows.map((row) => all[row]);
    const found = methods.map(() => ({ trials: to - from, hits: 0, silent: 0, seconds: 0 }));
    for (let r = from; r < to; r++) {
      const data = make(new Random(name, r));
      methods.forEach((row, i) => {
        const start = performance.now();
        const hit = row.hit(data, { seed: r + 1, resamples });
        found[i].seconds += (performance.now() - start) / 1000;
        if (hit === null) found[i].silent++;
        else if (hit) found[i].hits++;
      });
    }
    parentPort.postMessage({ situation, found });
  });
}
