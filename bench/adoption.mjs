/**
 * How long work lies idle when a supervisor or a holder goes. Adoption: the gpu worker is killed by SIGKILL while the PyTorch MLP of
 * examples/digits-torch trains in a container at about 100 steps a second; until the next worker's first heartbeat, and until one that tells a step (the
 * SDK holds back those within 2 s of another). Beside it, in the same training, what it would be without adoption: the container is killed
 * and the next starts from the last checkpoint, one every 5 s.
 * Pool: from the release of the only place until the next of those who wait has it, against the slot of a plain Temporal worker.
 *   npm run build && node bench/adoption.mjs IMAGE [KILLS=5] [GRANTS=100]
 * IMAGE has PyTorch and assay_runtime: node scripts/image.mjs --extras torch --quiet. The engine is the one of DOCKER_HOST.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { containerSpec, imageArgument } from './lib/containers.mjs';
import { collect, compiled, median, runExperiment, spread, stackStatus, startStack, storeOf, table, withHome } from './lib/harness.mjs';
import { idleTimes, poolState, until } from './lib/pool.mjs';

const { connectTemporal, runProgress } = compiled('client');
const image = imageArgument('adoption.mjs');
const [kills, grants] = [5, 100].map((usual, i) => Number(process.argv[i + 3] ?? usual));
const containerKills = Math.ceil(kills / 2);
process.env.ASSAY_SLOTS = '1';

await withHome(async (home) => {
  const { address, namespace } = await startStack(home);
  const client = await connectTemporal({ address, namespace });
  try {
    if (kills > 0) {
      try {
        printKills(await killed(home, client));
      } finally {
        await removeContainers(home);
      }
    }
    if (grants > 0) {
      await until(async () => (await poolState(client))?.hosts.some(({ reporting }) => reporting) ?? false, { seconds: 60 });
      printGrants(await idleTimes({ client, address, count: grants }));
    }
  } finally {
    await client.connection.close();
  }
});

async function killed(home, client) {
  // 16 s a death of a worker, 10 s a death of a container, and time to start and to spare.
  const steps = 100 * (30 + 16 * kills + 12 * containerKills);
  const file = containerSpec(home, { name: 'adoption', image, steps, params: { model: 'mlp', hidden: 32, pace: 0.008 } });
  let over = null;
  const experiment = runExperiment(home, file);
  experiment.then(
    () => {
      over = new Error('the training ended before all deaths were measured: this machine is faster than its pace');
    },
    (error) => {
      over = error;
    },
  );
  const asking = (question, seconds) =>
    until(
      () => {
        if (over !== null) throw over;
        return question();
      },
      { seconds, everyMs: 50 },
    );
  const holder = await asking(async () => holderOf(await poolState(client)), 180);
  const experimentId = holder.split('/')[1];
  const now = () => supervisedNow(client, holder);
  const trains = (after) =>
    asking(async () => {
      const state = await now();
      return state?.details?.phase === 'training' && state.details.step > after ? state : null;
    }, 120);
  const events = (epoch) => stepsIn(join(home, 'runs', experimentId, 'measured', 'seed-1', `epoch-${epoch}`, 'out', 'events.jsonl'));

  const workers = [];
  for (let i = 0; i < kills; i++) {
    await trains(100);
    // Heartbeats arrive every 2 s: the deaths are spread over them.
    await sleep(i * 400);
    const before = await now();
    const worker = (await stackStatus(home)).children.find(({ name }) => name === 'gpu');
    const at = Date.now();
    process.kill(worker.pid, 'SIGKILL');
    const last = events(before.details.epoch).at(-1).step;
    let firstHeard = null;
    const after = await asking(async () => {
      const state = await now();
      // Between two attempts the times are still those of the one before.
      if (state === null || state.startedAt <= at || state.heartbeatAt <= state.startedAt) return null;
      firstHeard ??= state.heartbeatAt;
      return state.details.step > last ? state : null;
    }, 120);
    if (after.details.epoch !== before.details.epoch)
      throw new Error(`epoch ${after.details.epoch} follows ${before.details.epoch}: not adopted`);
    const during = events(before.details.epoch).filter((step) => step.at >= at && step.at <= after.heartbeatAt);
    workers.push({
      ...{ silent: at - before.heartbeatAt, started: after.startedAt - at, heard: firstHeard - at, told: after.heartbeatAt - at },
      still: Math.max(...during.map((step, j) => step.at - (during[j - 1]?.at ?? at))),
      meanwhile: during.filter(({ step }) => step > last).length,
      repeated: during.filter(({ step }) => step < last).length,
    });
  }

  const containers = [];
  for (let i = 0; i < containerKills; i++) {
    // Past a checkpoint of this epoch.
    const before = await asking(async () => {
      const state = await now();
      return state?.details?.phase === 'training' && state.details.checkpointStep !== null ? state : null;
    }, 120);
    await sleep(i * 1500);
    const { epoch } = before.details;
    const found = await docker([
      'ps',
      '-q',
      '--filter',
      `label=assay.experiment=${experimentId}`,
      '--filter',
      `label=assay.epoch=${epoch}`,
    ]);
    const at = Date.now();
    await docker(['kill', found]);
    const last = events(epoch).at(-1);
    const next = await asking(() => events(epoch + 1)?.[0] ?? null, 120);
    const regained = await asking(() => events(epoch + 1).find(({ step }) => step > last.step) ?? null, 120);
    containers.push({ still: next.at - at, regained: regained.at - at, repeated: last.step - next.step + 1 });
  }

  const { result } = await experiment;
  const run = result.variants.find(({ name }) => name === 'measured').runs[0];
  const stored = steppedIn((await storeOf(home).get(run.artifacts.events)).toString('utf8'));
  const whole = stored.length === steps && stored.every(({ step }, i) => step === i + 1);
  return { steps, whole, workers, containers, attempts: run.attempts };
}

function holderOf(state) {
  return state?.leases.find(({ label }) => label === 'measured seed 1')?.lease.holder ?? null;
}

/** What the server knows of the run's supervisor; its times are milliseconds since 1970. */
async function supervisedNow(client, holder) {
  const { raw } = await client.workflow.getHandle(holder).describe();
  const activity = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'trainVariant');
  if (!activity) return null;
  const [, experimentId, variant, seed] = holder.split('/');
  return {
    ...{ attempt: activity.attempt, startedAt: timeOf(activity.lastStartedTime), heartbeatAt: timeOf(activity.lastHeartbeatTime) },
    details: await runProgress(client, experimentId, variant, Number(seed.replace('seed-', ''))),
  };
}

function timeOf(timestamp) {
  return timestamp ? Number(timestamp.seconds) * 1000 + timestamp.nanos / 1e6 : 0;
}

/** Null while there is no such file. */
function stepsIn(path) {
  try {
    return steppedIn(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

/** A last line may be half written. */
function steppedIn(events) {
  return events
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.includes('"type": "step"'))
    .map((line) => JSON.parse(line))
    .map(({ step, timestamp }) => ({ step, at: Date.parse(timestamp) }));
}

async function docker(args) {
  const { code, stdout, stderr } = await collect('docker', args);
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return stdout.trim();
}

/** What an error on the way has left. */
async function removeContainers(home) {
  const label = `label=assay.home=${compiled('activities/hostFiles').knownInstance(home)}`;
  const left = (await docker(['ps', '-aq', '--filter', label])).split('\n').filter(Boolean);
  if (left.length > 0) await docker(['rm', '-f', ...left]);
}

function printKills({ steps, whole, workers, containers, attempts }) {
  const seconds = (runs, key) =>
    spread(
      runs.map((run) => run[key] / 1000),
      2,
    );
  const count = (runs, key) =>
    spread(
      runs.map((run) => run[key]),
      0,
    );
  table(
    [
      'worker killed',
      'n',
      'next starts, s',
      'its first heartbeat, s',
      'the first that tells a step, s',
      'last heartbeat before, s',
      'of 10 s + 1 s',
    ],
    [
      [
        ...['container adopted', workers.length, seconds(workers, 'started'), seconds(workers, 'heard'), seconds(workers, 'told')],
        ...[seconds(workers, 'silent'), (median(workers.map(({ heard }) => heard)) / 11_000).toFixed(2)],
      ],
    ],
  );
  console.log();
  table(
    ['killed', 'n', 'without a step, s', 'until past the last step, s', 'steps trained meanwhile', 'steps trained again'],
    [
      ['worker', workers.length, seconds(workers, 'still'), '', count(workers, 'meanwhile'), count(workers, 'repeated')],
      ['container', containers.length, seconds(containers, 'still'), seconds(containers, 'regained'), '', count(containers, 'repeated')],
    ],
  );
  console.log(`\nStored in the end: ${whole ? `steps 1 to ${steps}, each once` : 'NOT each step once'}; ${attempts} containers.\n`);
}

function printGrants({ slot, lease }) {
  const row = (name, times) => {
    const sorted = times.toSorted((a, b) => a - b);
    const p95 = sorted[Math.ceil(0.95 * sorted.length) - 1];
    return [name, times.length, spread(times, 0), p95, (median(times) / median(slot)).toFixed(2)];
  };
  table(
    ['one place, and all others wait', 'n', 'release to next, ms', 'p95, ms', 'ratio of medians'],
    [row('slot of a worker', slot), row('lease of the pool', lease)],
  );
}
