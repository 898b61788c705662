/**
 * What people who look cost a training: the PyTorch CNN of examples/digits-torch on one core with 0, 1 and 20 pages open on it, in turn. A page
 * is what its script asks of the server: one stream of events, the page again whenever something but numbers changed, the last lines of a log.
 *   npm run build && npm run example:torch && node bench/streaming.mjs [STEPS=4000] [ROUNDS=8] [PAGES=1,20] [torch|sklearn]
 * Readers are a process of their own, which on a team's server is the browsers'. CPU seconds of the training process are nearly free of noise.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, root, runExperiment, stackUsage, startStack, table, withHome, writeSpec } from './lib/harness.mjs';

/** The trainer and what it is given. */
const trainers = {
  torch: { file: 'timed_torch.py', params: { model: 'cnn', channels: 16, lr: 0.002 } },
  sklearn: { file: 'timed_sklearn.py', params: { model: 'mlp' } },
};

if (process.argv[2] === 'readers') await readers(process.argv[3], Number(process.argv[4]));
else {
  const [steps = 4000, rounds = 8, pages = '1,20', kind = 'torch'] = process.argv.slice(2);
  await bench(Number(steps), Number(rounds), pages.split(',').map(Number), kind);
}

async function bench(steps, rounds, pages, kind) {
  const { file: script, params } = trainers[kind];
  // One trainer at a time: two would measure each other.
  process.env.ASSAY_SLOTS = '1';
  const ways = [0, ...pages];
  await withHome(async (home) => {
    // All pages come from one address, which the limit of an address is not made for.
    writeFileSync(join(home, 'assay.config.yaml'), 'serve: {limits: {requestsPerMinute: 1000000}}\n');
    const { apiUrl } = await startStack(home);
    const spec = {
      training: {
        command: ['python', join(root, 'bench', script)],
        ...{ seeds: [1], batchSize: 64, checkpointEvery: '5s', params },
      },
      variants: [{ name: 'one', control: true }, { name: 'two' }],
    };
    const sized = (name, count) => writeSpec(home, { ...spec, name, training: { ...spec.training, budget: { steps: count } } });
    await runExperiment(home, sized('warm-up', 20));
    const file = sized('streaming', steps);
    const found = Object.fromEntries(ways.map((count) => [count, []]));
    for (let round = 0; round < rounds; round++) {
      // Each way is first, second and so on equally often, so that what grows with time weighs on all.
      const order = ways.map((_, i) => ways[(i + round) % ways.length]);
      for (const count of order) found[count].push(await measured(home, apiUrl, file, count));
    }
    report(found, ways, steps);
  });
}

/** One experiment of two trainings with `count` readers: seconds of the trainings, and CPU of the processes beside them, % of a core. */
async function measured(home, url, file, count) {
  const reading =
    count === 0
      ? null
      : fork(fileURLToPath(import.meta.url), ['readers', url, String(count)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  if (reading !== null) await once(reading, 'message');
  // It may have seen the end before this process has.
  const told = reading === null ? null : once(reading, 'message');
  const exited = reading === null ? null : once(reading, 'exit');
  const before = await stackUsage(home);
  const began = Date.now();
  const { runs } = await runExperiment(home, file);
  const seconds = (Date.now() - began) / 1000;
  const after = await stackUsage(home);
  let read = null;
  if (reading !== null) {
    if (reading.connected) reading.send('stop');
    [read] = await told;
    await exited;
    if (read.streams < count) throw new Error(`only ${read.streams} of ${count} pages followed the experiment`);
  }
  const metrics = runs.map(({ trainer }) => trainer.metrics);
  return {
    wall: median(metrics.map(({ training_seconds }) => training_seconds)),
    cpu: median(metrics.map(({ train_cpu_seconds }) => train_cpu_seconds)),
    share: Object.fromEntries(Object.keys(after).map((name) => [name, ((after[name].cpu - before[name].cpu) / seconds) * 100])),
    read,
  };
}

function report(found, ways, steps) {
  const all = Object.values(found).flat();
  console.log(`${steps} steps a training, two trainings a round; ratio to the same round without a page: median [95 % interval of it].\n`);
  const row = (count) => {
    const ratio = (key) => (count === 0 ? '1' : interval(found[count].map((one, i) => one[key] / found[0][i][key])));
    const seconds = (key) => median(found[count].map((one) => one[key])).toFixed(2);
    const events = median(found[count].map(({ read }) => read?.events ?? 0));
    return [count, found[count].length, seconds('wall'), ratio('wall'), seconds('cpu'), ratio('cpu'), Math.round(events)];
  };
  table(['pages', 'n', 'wall, s', 'ratio', 'CPU, s', 'ratio', 'events read'], ways.map(row));
  const names = Object.keys(all[0].share);
  console.log('\nCPU beside the training over the whole experiment, % of one core, median:\n');
  table(
    ['pages', ...names],
    ways.map((count) => [count, ...names.map((name) => median(found[count].map(({ share }) => share[name])).toFixed(1))]),
  );
}

/** Median with the interval between order statistics that holds it in 95 of 100 cases, whatever the distribution; the range where n is under 6. */
function interval(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  let [rank, tail, term] = [0, 0, 2 ** -n];
  for (let k = 0; k < n / 2; k++) {
    tail += term;
    if (tail > 0.025) break;
    rank = k;
    term = (term * (n - k)) / (k + 1);
  }
  const bounds = [sorted[rank], sorted[n - 1 - rank]].map((value) => value.toFixed(4));
  return `${median(values).toFixed(4)} [${bounds.join(', ')}]${n < 6 ? ' (range)' : ''}`;
}

/** In a process of its own: pages that wait for the next experiment, follow it, and say what they read. */
async function readers(url, count) {
  const known = new Set(await listed());
  const stop = new AbortController();
  const told = { streams: 0, events: 0, pages: 0 };
  process.on('message', () => stop.abort());
  process.send('ready');
  let id;
  while (id === undefined && !stop.signal.aborted) {
    await new Promise((done) => setTimeout(done, 250));
    id = (await listed()).find((one) => !known.has(one));
  }
  await Promise.all(Array.from({ length: count }, () => page(id).catch((error) => stop.signal.aborted || console.error(error))));
  process.send(told, () => process.disconnect());

  async function listed() {
    const answer = await (await fetch(`${url}/v1/experiments?limit=5`)).json();
    return answer.experiments.map((one) => one.id);
  }

  async function page(experiment) {
    const look = async () => {
      const { body } = await fetch(`${url}/experiments/${experiment}`, { headers: { accept: 'text/html' }, signal: stop.signal });
      for await (const _ of body);
      told.pages += 1;
    };
    await look();
    const answer = await fetch(`${url}/v1/experiments/${experiment}/events`, { signal: stop.signal });
    if (!answer.ok) throw new Error(`the stream answered ${answer.status}`);
    told.streams += 1;
    let [rest, last, standing] = ['', 0, ''];
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) {
        const [, name] = /^event: (\w+)$/m.exec(block) ?? [];
        if (name === undefined) continue;
        told.events += 1;
        // Numbers are written into the page, all else is asked of the server, as live.js does.
        if (name === 'curve') continue;
        if (name === 'progress') {
          const { steps, ...others } = JSON.parse(/^data: (.*)$/m.exec(block)[1]);
          const now = JSON.stringify([others, steps.map(({ phase, message }) => [phase, message])]);
          if (now === standing) continue;
          standing = now;
        }
        if (performance.now() - last < 1000) continue;
        last = performance.now();
        await look();
      }
    }
  }
}
