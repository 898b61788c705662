/**
 * What supervision costs a training, inside one training: the stack (server, workers, guard) is stopped for three seconds and let go for three,
 * in turn, while a container trains the PyTorch CNN of examples/digits-torch. Neighbouring windows meet the same weather of the machine, so their
 * ratio is nearly free of it. Checkpoints wait while the stack is stopped, so their upload falls into the windows where it runs.
 *   npm run build && node bench/supervised.mjs IMAGE [SECONDS=180]
 */
import { containerSpec, imageArgument } from './lib/containers.mjs';
import { compiled, median, runExperiment, stackStatus, startStack, storeOf, table, withHome } from './lib/harness.mjs';

const image = imageArgument('supervised.mjs');
const seconds = Number(process.argv[3] ?? 180);
/** Below the heartbeat time-out of 10 s: nobody notices. */
const windowMs = 3000;
/** After a change everything catches up: not counted. */
const settleMs = 400;
process.env.ASSAY_SLOTS = '1';

await withHome(async (home) => {
  await startStack(home);
  const sized = (name, steps) => containerSpec(home, { name, image, steps, params: { model: 'cnn', channels: 32 } });
  const probe = await runExperiment(home, sized('probe', 400));
  const steps = Math.round((seconds * 1000 * 400) / durationOf(probe));
  const running = runExperiment(home, sized('supervised', steps));
  const windows = await alternate(home, running);
  const { result } = await running;
  const { artifacts } = result.variants.find(({ name }) => name === 'measured').runs[0];
  print(measure((await storeOf(home).get(artifacts.events)).toString('utf8'), windows), steps);
});

function durationOf({ runs }) {
  const { first, last } = runs.find(({ variant }) => variant === 'measured');
  return last - first;
}

/** Stops and continues the stack in turn until `running` has ended: the windows, `on` where the stack worked. */
async function alternate(home, running) {
  let over = false;
  const ended = running.finally(() => {
    over = true;
  });
  ended.catch(() => {});
  const { children } = await stackStatus(home);
  const guard = compiled('stack/lock').lockHolder(compiled('activities/hostFiles').hostFiles(home).guardLock)?.pid;
  const pids = [...children.map(({ pid }) => pid), guard].filter((pid) => pid !== undefined);
  const windows = [];
  try {
    for (let on = true; !over; on = !on) {
      for (const pid of pids) process.kill(pid, on ? 'SIGCONT' : 'SIGSTOP');
      const from = Date.now();
      await Promise.race([ended, new Promise((done) => setTimeout(done, windowMs))]);
      windows.push({ on, from: from + settleMs, until: Date.now() });
    }
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
  return windows;
}

/** Wall and CPU milliseconds a step in each pair of neighbouring windows, as ratios on / off. */
function measure(events, windows) {
  const all = events
    .split('\n')
    .filter((line) => line.includes('"type": "step"'))
    .map((line) => JSON.parse(line))
    .map(({ timestamp, cpu_seconds, seconds }) => ({ at: Date.parse(timestamp), cpu: cpu_seconds, seconds }));
  const rates = windows.map(({ on, from, until }) => {
    const inside = all.filter(({ at }) => at >= from && at < until);
    const [first, last] = [inside[0], inside.at(-1)];
    if (inside.length < 20) return null;
    return {
      on,
      wall: mean(inside.slice(1).map((step) => step.seconds)) * 1000,
      cpu: ((last.cpu - first.cpu) / (inside.length - 1)) * 1000,
    };
  });
  const ratios = [];
  for (let i = 1; i < rates.length; i++) {
    const [a, b] = [rates[i - 1], rates[i]];
    if (a === null || b === null) continue;
    const [on, off] = a.on ? [a, b] : [b, a];
    ratios.push({ wall: on.wall / off.wall, cpu: on.cpu / off.cpu });
  }
  if (ratios.length < 5) throw new Error('the training was too short for its windows: give more SECONDS');
  return ratios;
}

function print(ratios, steps) {
  console.log(
    `${steps} steps, ${ratios.length} pairs of windows of ${windowMs / 1000} s; median ratio with its 95 % interval (bootstrap over pairs).\n`,
  );
  table(
    ['a step of the trainer', 'stack running to stack stopped', '95 % interval'],
    ['wall', 'cpu'].map((key) => {
      const values = ratios.map((ratio) => ratio[key]);
      const [low, high] = interval(values);
      return [key, median(values).toFixed(4), `${low.toFixed(4)} to ${high.toFixed(4)}`];
    }),
  );
}

/** Percentile bootstrap of the median. */
function interval(values) {
  const medians = Array.from({ length: 2000 }, () => median(values.map(() => values[Math.floor(Math.random() * values.length)])));
  medians.sort((a, b) => a - b);
  return [medians[50], medians[1949]];
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
