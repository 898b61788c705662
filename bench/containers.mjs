/**
 * What supervision costs a container: the PyTorch CNN of examples/digits-torch on one core, at about 100 events a second. Training: supervised
 * by assay, against the same image and run.json by `docker run`, in turn. Start: from the call to the trainer's first line, executor.start
 * against `docker run`, in turn.
 *   npm run build && node bench/containers.mjs IMAGE [STEPS=4000] [ROUNDS=2] [STARTS=10]
 * IMAGE has PyTorch and assay_runtime: node scripts/image.mjs --extras torch --quiet. The engine is the one of DOCKER_HOST.
 * Wall ratios of a busy machine are noise; CPU seconds of the training process are nearly free of it.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { containerSpec, dockerRun, imageArgument, sampler, startOf, supervisionCpu } from './lib/containers.mjs';
import {
  collect,
  compiled,
  median,
  runExperiment,
  spread,
  stackUsage,
  startStack,
  stepTimes,
  storeOf,
  table,
  withHome,
} from './lib/harness.mjs';

const image = imageArgument('containers.mjs');
const [steps, rounds, starts] = [4000, 2, 10].map((usual, i) => Number(process.argv[i + 3] ?? usual));
const { createDockerExecutor, supervise } = compiled('executor');
const instance = `bench-${randomBytes(4).toString('hex')}`;
// One trainer at a time: two would measure each other.
process.env.ASSAY_SLOTS = '1';

await withHome(async (home) => {
  await startStack(home);
  const sized = (count) =>
    containerSpec(home, { name: `containers-${count}`, image, steps: count, params: { model: 'cnn', channels: 32 } });
  await runExperiment(home, sized(20));
  const trained = rounds > 0 ? await train(home, sized(steps)) : null;
  const begun = starts > 0 ? await begin(home, sized(20)) : null;
  if (trained !== null) printTraining(trained);
  if (begun !== null) printStarts(begun);
});

async function train(home, file) {
  const cpu = sampler(supervisionCpu(home));
  const found = { supervised: [], direct: [] };
  const ways = {
    async supervised() {
      const { result } = await runExperiment(home, file);
      const { artifacts } = result.variants.find(({ name }) => name === 'measured').runs[0];
      const [events, { metrics }] = await Promise.all([storeOf(home).get(artifacts.events), storeOf(home).getJson(artifacts.result)]);
      return measured(events.toString('utf8'), metrics);
    },
    async direct() {
      const name = `${instance}-${found.direct.length}`;
      const start = await startOf(home, file, join(home, 'direct', name, 'measured', 'seed-1', 'epoch-1'));
      await docker(await dockerRun(start, name));
      await docker(['rm', '-f', name]);
      const out = join(start.dir, 'out');
      return measured(readFileSync(join(out, 'events.jsonl'), 'utf8'), JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')).metrics);
    },
  };
  // Until one experiment has run there is no snapshot to start on by hand: supervised goes first, then the order turns.
  for (let round = 0; round < rounds; round++) {
    for (const way of round % 2 ? ['direct', 'supervised'] : ['supervised', 'direct']) {
      const run = await ways[way]();
      found[way].push({ ...run, cpuOf: cpu.share(run) });
    }
  }
  cpu.stop();
  return { ...found, peaks: await stackUsage(home) };
}

function measured(events, metrics) {
  const at = stepTimes(events);
  return {
    ...{ first: at[0], last: at.at(-1), wall: metrics.training_seconds, cpu: metrics.train_cpu_seconds, peak: metrics.train_peak_bytes },
    ...{ step: median(at.slice(1).map((time, i) => time - at[i])), perSecond: ((at.length - 1) / (at.at(-1) - at[0])) * 1000 },
  };
}

/** Milliseconds from the call to the first line of a trainer that only says the time. */
async function begin(home, file) {
  const found = { executor: [], docker: [], plain: [] };
  const executor = createDockerExecutor({ instance });
  const prepared = async (way, number) => {
    const start = await startOf(home, file, join(home, 'starts', `${instance}-${way}-${number}`, 'measured', 'seed-1', 'epoch-1'));
    return { ...start, command: ['sh', '-c', 'date +%s%N > /assay/out/first'] };
  };
  const first = ({ dir }) => Number(readFileSync(join(dir, 'out', 'first'), 'utf8')) / 1e6;
  const now = () => performance.timeOrigin + performance.now();
  const ways = {
    async executor(number) {
      const start = await prepared('executor', number);
      const from = now();
      await executor.start(start);
      await supervise({ executor, dir: start.dir });
      await executor.stopRun(join(start.dir, '..'), { graceSeconds: 0 });
      return first(start) - from;
    },
    docker: (number) => byHand('docker', number, { hardened: true }),
    plain: (number) => byHand('plain', number, { hardened: false }),
  };
  // The first of each is not counted: files and daemon are warm then.
  for (let number = -1; number < starts; number++) {
    const order = Object.keys(ways);
    for (const way of number % 2 ? order : order.reverse()) {
      const time = await ways[way](number);
      if (number >= 0) found[way].push(time);
    }
  }
  return found;

  async function byHand(way, number, options) {
    const start = await prepared(way, number);
    const name = `${instance}-${way}-${number}`;
    const args = await dockerRun(start, name, options);
    const from = now();
    await docker(args);
    await docker(['rm', '-f', name]);
    return first(start) - from;
  }
}

async function docker(args) {
  const { code, stderr } = await collect('docker', args);
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}:\n${stderr}`);
}

function printTraining({ supervised, direct, peaks }) {
  const perSecond = median([...supervised, ...direct].map((run) => run.perSecond)).toFixed(0);
  console.log(`${steps} steps a training, ${perSecond} events a second; ratios by round: median (lowest to highest round).\n`);
  const ratio = (runs, key) =>
    runs === direct
      ? '1'
      : spread(
          runs.map((run, i) => run[key] / direct[i][key]),
          3,
        );
  const values = (runs, key, digits, unit = 1) =>
    spread(
      runs.map((run) => run[key] / unit),
      digits,
    );
  const row = (name, runs) => [
    ...[name, runs.length, values(runs, 'wall', 2), ratio(runs, 'wall'), values(runs, 'step', 1), ratio(runs, 'step')],
    ...[values(runs, 'cpu', 2), ratio(runs, 'cpu'), values(runs, 'peak', 0, 1e6)],
  ];
  table(
    ['training', 'n', 'wall, s', 'ratio', 'median step, ms', 'ratio', 'CPU, s', 'ratio', 'peak, MB'],
    [row('docker run', direct), row('supervised', supervised)],
  );
  const names = Object.keys(supervised[0].cpuOf);
  const own = names.filter((name) => name !== 'engine');
  const shares = (name, runs) => [
    name,
    ...names.map((part) => spread(runs.map(({ cpuOf }) => cpuOf[part]))),
    spread(runs.map(({ cpuOf }) => own.reduce((sum, part) => sum + cpuOf[part], 0))),
  ];
  console.log(
    '\nCPU while a training runs, % of one core. The stack idles beside `docker run`; "engine" is dockerd and containerd, whatever they serve.\n',
  );
  table(['training', ...names, 'sum without engine'], [shares('docker run', direct), shares('supervised', supervised)]);
  const megabytes = Object.entries(peaks).map(([name, { peak }]) => `${name} ${(peak / 1e6).toFixed(0)}`);
  console.log(`\nPeak memory of the stack, MB: ${megabytes.join(', ')}.\n`);
}

function printStarts({ executor, docker: hardened, plain }) {
  const row = (name, times) => [name, times.length, spread(times, 0), (median(times) / median(hardened)).toFixed(2)];
  table(
    ['start', 'n', 'call to first line, ms', 'ratio of medians'],
    [row('docker run, same flags', hardened), row('docker run, mounts and user only', plain), row('executor.start', executor)],
  );
}
