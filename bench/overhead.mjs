/**
 * What supervision costs a training: the PyTorch CNN of examples/digits-torch on one core, three ways in turn:
 * supervised by assay; the same trainer and run.json started by hand; bare.py, which writes no events and no checkpoints.
 *   npm run build && npm run example:torch && node bench/overhead.mjs [STEPS=4000] [ROUNDS=3]
 * Wall ratios of a busy machine are noise; CPU seconds of the training process are nearly free of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  collect,
  directRun,
  median,
  root,
  runExperiment,
  spread,
  stackUsage,
  startStack,
  table,
  usageOf,
  withHome,
  writeSpec,
} from './lib/harness.mjs';

const steps = Number(process.argv[2] ?? 4000);
const rounds = Number(process.argv[3] ?? 3);
// One trainer at a time: two would measure each other.
process.env.ASSAY_SLOTS = '1';

await withHome(async (home) => {
  await startStack(home);
  const spec = {
    training: {
      command: ['python', join(root, 'bench', 'timed_torch.py')],
      ...{ seeds: [1], batchSize: 64, checkpointEvery: '5s', params: { model: 'cnn', channels: 16, lr: 0.002 } },
    },
    variants: [{ name: 'one', control: true }, { name: 'two' }],
  };
  const sized = (name, count) => writeSpec(home, { ...spec, name, training: { ...spec.training, budget: { steps: count } } });
  await runExperiment(home, sized('warm-up', 20));
  const file = sized('overhead', steps);
  const samples = sampler(home);
  const found = { supervised: [], direct: [], bare: [] };
  const stack = [];
  const ways = {
    supervised: async () => {
      const { runs } = await runExperiment(home, file);
      stack.push(...runs.map((run) => samples.share(run)));
      return runs.map((run) => times(run.trainer.metrics));
    },
    direct: async () => [await direct(0), await direct(1)],
    bare: async () => [await bare(), await bare()],
  };
  // Until one experiment has run there is no snapshot to start a trainer on by hand: supervised goes first, then the order turns.
  for (let round = 0; round < rounds; round++) {
    for (const way of round % 2 ? ['bare', 'direct', 'supervised'] : ['supervised', 'direct', 'bare']) found[way].push(await ways[way]());
  }
  samples.stop();

  const row = (name, way) => [
    name,
    found[way].flat().length,
    spread(found[way].flat().map((run) => run.wall)),
    ...['bare', 'direct'].map((base) => ratios(found[way], found[base], 'wall')),
    spread(found[way].flat().map((run) => run.cpu)),
    ...['bare', 'direct'].map((base) => ratios(found[way], found[base], 'cpu')),
  ];
  console.log(`${steps} steps a training; ratios of medians by round: median (lowest to highest round).\n`);
  table(
    ['training', 'n', 'wall, s', 'to bare', 'to by hand', 'CPU, s', 'to bare', 'to by hand'],
    [row('bare script', 'bare'), row('trainer by hand', 'direct'), row('supervised', 'supervised')],
  );
  console.log('\nCPU of supervision while a training runs, % of one core:\n');
  const names = Object.keys(stack[0]);
  table(
    ['', ...names, 'sum'],
    [
      [
        '%',
        ...names.map((name) => spread(stack.map((share) => share[name]))),
        spread(stack.map((share) => names.reduce((sum, name) => sum + share[name], 0))),
      ],
    ],
  );

  async function direct(number) {
    return times((await directRun(home, file, 'one', `${found.direct.length}-${number}`)).trainer.metrics);
  }

  async function bare() {
    const [snapshot] = readdirSync(join(home, 'cache', 'snapshots'));
    const digits = join(home, 'cache', 'snapshots', snapshot, 'data', 'digits.csv');
    const threads = Object.fromEntries(['OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'].map((name) => [name, '1']));
    const env = { ...process.env, ...threads, PYTHONPATH: join(root, 'runtime') };
    const args = [join(root, 'bench', 'bare.py'), digits, 'cnn', String(steps)];
    const { code, stdout, stderr } = await collect(process.env.ASSAY_PYTHON, args, { env });
    if (code !== 0) throw new Error(`bare.py ended with ${code}:\n${stderr}`);
    const { seconds, cpu } = JSON.parse(stdout);
    return { wall: seconds, cpu };
  }
});

function times(metrics) {
  return { wall: metrics.training_seconds, cpu: metrics.train_cpu_seconds };
}

/** Round against round, so that what slows a while of the machine slows both. */
function ratios(runs, bases, key) {
  const middle = (round) => median(round.map((run) => run[key]));
  return runs === bases
    ? '1'
    : spread(
        runs.map((round, i) => middle(round) / middle(bases[i])),
        3,
      );
}

/** CPU seconds of the stack's processes and of the trainers' shims, twice a second. */
function sampler(home) {
  const taken = [];
  const take = async () => {
    try {
      const usage = Object.fromEntries(Object.entries(await stackUsage(home)).map(([name, { cpu }]) => [name, cpu]));
      taken.push({ at: Date.now(), usage: { ...usage, shim: shimCpu(home) } });
    } catch {
      // A process that ends while it is read.
    }
  };
  const timer = setInterval(() => void take(), 500);
  return {
    stop: () => clearInterval(timer),
    /** % of a core by process, between the first and the last sample inside the training. */
    share({ first, last }) {
      const inside = taken.filter(({ at, usage }) => at >= first && at <= last && usage.shim > 0);
      const [a, b] = [inside[0], inside.at(-1)];
      if (a === undefined || a === b) throw new Error('the training was too short to be sampled: give more steps');
      return Object.fromEntries(Object.keys(a.usage).map((name) => [name, ((b.usage[name] - a.usage[name]) / (b.at - a.at)) * 1e5]));
    },
  };
}

function shimCpu(home) {
  const runs = join(home, 'runs');
  for (const name of readdirSync(runs, { recursive: true })) {
    if (name.endsWith('trainer.json')) return usageOf(JSON.parse(readFileSync(join(runs, name), 'utf8')).shimPid).cpu;
  }
  return 0;
}
