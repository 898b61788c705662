// Proves: a lost host, and one that the network cuts off, leave one writer at a time and the same predictions as an undisturbed training.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { type HostDrain, ids, poolNames } from '../../../src/contract';
import { Cluster, until } from '../cluster';
import { isolatedNetwork } from './network';
import { Trial, chaosEngine, removeFolder, trainerFolder } from './trial';

let docker: Docker;
let image: string;
let env: Record<string, string>;
const folder = trainerFolder();
/** Longer than the term of a lease, so that the guard comes while it trains. */
const longer = 4200;

beforeAll(async () => {
  ({ docker, image, env } = await chaosEngine());
}, 1_200_000);

afterAll(() => removeFolder(folder));

test('a lost host: its guard stops the trainer, and another host goes on from the last checkpoint', async () => {
  const cluster = await Cluster.start({ hosts: ['host-a', 'host-b', 'host-c'], slots: 1, env });
  try {
    const trial = await Trial.start(cluster, image, folder, longer);
    const { host } = await trial.reaches('training', 400);
    await cluster.kill(host);
    const after = await trial.reaches('training', 410);
    const moved = after.host === host ? await movedFrom(trial, host) : after;
    expect(moved.host).not.toBe(host);
    const run = await trial.expectWhole(docker, () => cluster.startWorker('gpu', host, 1));
    expect(run.failures).toMatchObject({ crash: 0, infrastructure: 1 });
    expect(run.resumedFromStep).toBeGreaterThan(0);
  } finally {
    await cluster.stop();
  }
}, 600_000);

test('a host that the network cuts off stops its own trainer before another host goes on', async () => {
  const net = await isolatedNetwork();
  const cluster = await Cluster.start({ hosts: ['host-b', 'host-c'], slots: 1, env });
  try {
    const address = await net.relayTo(cluster.frontend);
    cluster.startWorker('gpu', 'host-a', 2, { inside: net.inside, env: { TEMPORAL_ADDRESS: address } });
    await until(async () => (await cluster.pool()).hosts.some(({ host }) => host === 'host-a'), 30_000);
    await drain(cluster, ['host-b', 'host-c'], true);
    const trial = await Trial.start(cluster, image, folder, longer);
    expect((await trial.reaches('training', 400)).host).toBe('host-a');
    net.cut();
    await drain(cluster, ['host-b', 'host-c'], false);
    expect((await movedFrom(trial, 'host-a')).host).not.toBe('host-a');
    const run = await trial.expectWhole(docker, net.mend);
    expect(run.failures).toMatchObject({ crash: 0, infrastructure: 1 });
    expect(readFileSync(join(cluster.dir, 'host-a', 'guard.log'), 'utf8')).toMatch(/stopp/);
  } finally {
    await cluster.stop();
    await net.remove();
  }
}, 600_000);

async function drain(cluster: Cluster, hosts: string[], wanted: boolean): Promise<void> {
  for (const host of hosts) {
    await cluster.client.workflow.getHandle(ids.gpuPool).signal<[HostDrain]>(poolNames.drain, { host, drain: wanted });
  }
}

/** The trainer on another host than `host`. */
async function movedFrom(trial: Trial, host: string): Promise<{ host: string }> {
  let now: { host: string } = { host };
  await until(async () => {
    now = await trial.reaches('training');
    return now.host !== host;
  }, 240_000);
  return now;
}
