// npm run test:calibration: 2,000 simulated experiments a row; are the error rates what docs/calibration.md says? --quick: 200 of them.
// --only REGEX of "method metric situation", --json; --threads N. Exit 1 where a claim fails.
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { build } from './lib/build.mjs';
import { main, step } from './lib/steps.mjs';

await main(async () => {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean' }, only: { type: 'string' }, json: { type: 'boolean' }, threads: { type: 'string' } },
  });
  await step('build', build);
  const { situations } = await import('../test/calibration/situations.mjs');
  const { simulate } = await import('../test/calibration/runner.mjs');
  const { judged, markdown } = await import('../test/calibration/report.mjs');
  const wanted = new RegExp(values.only ?? '');
  const chosen = situations.flatMap(({ name, rows: all }, situation) => {
    const rows = all.flatMap(({ method, metric }, row) => (wanted.test(`${method} ${metric} ${name}`) ? [row] : []));
    return rows.length > 0 ? [{ situation, rows }] : [];
  });
  const trials = values.quick ? 200 : 2000;
  const start = performance.now();
  const counts = await simulate(chosen, {
    trials,
    resamples: values.quick ? 250 : 1000,
    threads: Number(values.threads ?? availableParallelism()),
  });
  const rows = judged(chosen, counts, trials);
  const failed = rows.filter((row) => row.failed);
  console.log(values.json ? JSON.stringify({ trials, rows }, null, 2) : markdown(rows));
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.error(
    `${rows.length} rows of ${trials} experiments in ${seconds} s: ${failed.length === 0 ? 'every claim holds' : `${failed.length} failed`}`,
  );
  for (const row of failed)
    console.error(`✗ ${row.method}, ${row.metric}, ${row.situation}: ${(100 * row.seen).toFixed(1)} %, ${row.verdict}`);
  return failed.length === 0 ? 0 : 1;
});
