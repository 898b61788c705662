/**
 * What storing checkpoints costs a training: the PyTorch MLP of examples/digits-torch, wide enough for checkpoints of 20 MB, on one core with
 * one every 2 s, supervised by a process of its own two ways in turn: each checkpoint is stored in a file store, or seen and left.
 *   npm run build && npm run example:torch && node bench/checkpoint.mjs [STEPS=1000] [ROUNDS=3]
 * The trainer writes the same checkpoints both ways: the difference is what the storing does to its steps.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { collect, compiled, median, root, spread, table, writeSpec } from './lib/harness.mjs';

const { eventsUpTo, createProcessExecutor, supervise } = compiled('executor');
const { createSnapshot, materialise } = compiled('data');
const { uploadCheckpoint } = compiled('activities/upload');
const { mediaTypes, noRemedy } = compiled('contract');
const { openStore } = compiled('store');
const self = fileURLToPath(import.meta.url);
const key = { experimentId: 'checkpoint', variant: 'one', seed: 1 };

if (process.argv[2] === 'supervise') await superviseOne(JSON.parse(process.argv[3]));
else await compare(Number(process.argv[2] ?? 1000), Number(process.argv[3] ?? 3));

async function compare(steps, rounds) {
  process.env.ASSAY_PYTHON = await compiled('stack').trainerPython();
  const home = mkdtempSync(join(tmpdir(), 'assay-bench-'));
  try {
    const file = writeSpec(home, {
      name: 'checkpoint',
      training: {
        command: ['python', join(root, 'bench', 'timed_torch.py')],
        ...{ seeds: [1], batchSize: 64, budget: { steps }, checkpointEvery: '2s' },
        // 75 numbers a hidden unit, thrice with the moments of Adam, 4 bytes each.
        params: { model: 'mlp', hidden: Math.round(20e6 / (75 * 3 * 4)), lr: 0.002 },
      },
      variants: [{ name: 'one', control: true }, { name: 'two' }],
    });
    const { spec } = await compiled('cli/run').readSpec(file, {});
    const store = openStore(pathToFileURL(join(home, 'store')).href);
    const { ref } = await createSnapshot({ spec, store, workDir: join(home, 'work'), python: process.env.ASSAY_PYTHON });
    const data = await materialise({ snapshotRef: ref, store, dir: join(home, 'snapshots') });
    const found = { left: [], stored: [] };
    for (let round = 0; round < rounds; round++) {
      for (const way of round % 2 ? ['stored', 'left'] : ['left', 'stored']) {
        const dir = join(home, `${way}-${round}`);
        const { code, stdout, stderr } = await collect(process.execPath, [self, 'supervise', JSON.stringify({ way, spec, data, dir })]);
        if (code !== 0) throw new Error(`the training ended with ${code}:\n${stderr}`);
        found[way].push(JSON.parse(stdout));
        rmSync(dir, { recursive: true, force: true });
      }
    }
    print(steps, found);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** One training and its supervisor, in a process of its own, so that its memory is that of one training. */
async function superviseOne({ way, spec, data, dir: base }) {
  const dir = join(base, 'epoch-1');
  mkdirSync(dir, { recursive: true });
  const { runFile, command, cwd, env } = compiled('activities/runFile').runFileFor({
    ...{ spec, snapshot: data.snapshot, data, key, dir, mode: 'train', epoch: 1, resume: null, warmStart: null, usedSeconds: 0 },
    ...{ python: process.env.ASSAY_PYTHON, runtimeDir: join(root, 'runtime'), remedy: noRemedy },
    lease: { leaseId: 'bench', requestId: 'bench', holder: 'bench', host: 'bench', devices: [], model: 'cpu', exclusiveHost: false },
  });
  const store = openStore(pathToFileURL(join(base, 'store')).href);
  const checkpoints = compiled('activities/checkpoints').runCheckpoints(store, key, { remedy: 0, keep: { count: 3, seconds: null } });
  await checkpoints.open(1);
  const executor = createProcessExecutor();
  await executor.start({ dir, runFile, command, cwd, env, limits: { cpus: 1 } });
  const seen = { count: 0, bytes: 0, milliseconds: [] };
  const ended = await supervise({
    executor,
    dir,
    async onCheckpoint(step, folder) {
      seen.count += 1;
      if (way === 'left') return;
      const begun = performance.now();
      const manifest = await uploadCheckpoint(store, folder);
      const events = await store.put(await eventsUpTo(join(dir, 'out', 'events.jsonl'), step), mediaTypes.jsonLines);
      const savedAt = new Date().toISOString();
      await checkpoints.add(1, { step, epoch: 1, manifest, events, usedSeconds: 0, remedy: 0, savedAt, telemetry: null });
      seen.milliseconds.push(performance.now() - begun);
      const { files } = await store.getJson(manifest);
      seen.bytes = Math.max(
        seen.bytes,
        files.reduce((sum, { size }) => sum + size, 0),
      );
    },
  });
  if (ended.exit?.code !== 0) throw new Error(await executor.logTail(dir, 20));
  const { metrics } = JSON.parse(readFileSync(join(runFile.out, 'result.json'), 'utf8'));
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const times = stepSeconds(readFileSync(join(runFile.out, 'events.jsonl'), 'utf8'));
  process.stdout.write(
    JSON.stringify({
      ...{ wall: metrics.training_seconds, cpu: metrics.train_cpu_seconds, step: median(times), steps: times.length + 1 },
      ...{ supervisorCpu: (userCPUTime + systemCPUTime) / 1e6, supervisorPeak: maxRSS * 1024, trainerPeak: ended.exit.peakMemoryBytes },
      ...{ checkpoints: seen.count, bytes: seen.bytes, upload: seen.milliseconds.length === 0 ? 0 : median(seen.milliseconds) },
    }),
  );
}

/** Time between a step and the one before it. */
function stepSeconds(events) {
  const at = events
    .split('\n')
    .filter((line) => line.includes('"type": "step"'))
    .map((line) => Date.parse(JSON.parse(line).timestamp) / 1000);
  return at.slice(1).map((time, i) => time - at[i]);
}

function print(steps, found) {
  const megabytes = (values) =>
    spread(
      values.map((value) => value / 1e6),
      0,
    );
  const row = (name, runs) => [
    name,
    runs.length,
    spread(runs.map((run) => run.wall)),
    ratios(runs, found.left, 'wall'),
    spread(
      runs.map((run) => run.step * 1000),
      1,
    ),
    ratios(runs, found.left, 'step'),
    spread(runs.map((run) => run.cpu)),
    ratios(runs, found.left, 'cpu'),
    megabytes(runs.map((run) => run.trainerPeak)),
    spread(runs.map((run) => run.supervisorCpu)),
    megabytes(runs.map((run) => run.supervisorPeak)),
  ];
  const { checkpoints, bytes } = found.stored.at(-1);
  const upload = spread(
    found.stored.map((run) => run.upload),
    0,
  );
  console.log(`${steps} steps, ${checkpoints} checkpoints of ${(bytes / 1e6).toFixed(1)} MB a training; storing one takes ${upload} ms.`);
  console.log('Ratios of a round to the same round without storing: median (lowest to highest round).\n');
  table(
    [
      ...['checkpoints', 'n', 'wall, s', 'ratio', 'median step, ms', 'ratio', 'trainer CPU, s', 'ratio', 'trainer peak, MB'],
      ...['supervisor CPU, s', 'supervisor peak, MB'],
    ],
    [row('left', found.left), row('stored', found.stored)],
  );
}

/** Round against round, so that what slows a while of the machine slows both. */
function ratios(runs, bases, name) {
  if (runs === bases) return '1';
  return spread(
    runs.map((run, i) => run[name] / bases[i][name]),
    3,
  );
}
