// Proves, on a PyTorch training of more than a minute in containers: whichever process is killed, in whichever phase, the experiment ends
// as if nothing had happened. The worker, the container, the Temporal server; the engine, hosts, the store and the clock have files of their own.
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { Cluster } from '../cluster';
import { Trial, chaosEngine, phases, removeFolder, trainerFolder } from './trial';

let cluster: Cluster;
let docker: Docker;
let image: string;
const folder = trainerFolder();

beforeAll(async () => {
  const engine = await chaosEngine();
  ({ docker, image } = engine);
  cluster = await Cluster.start({ hosts: ['host-a', 'host-b'], slots: 1, env: engine.env });
}, 1_200_000);

afterAll(async () => {
  await cluster?.stop();
  removeFolder(folder);
});

test('killing the worker in every phase leaves the trainer to its successor: one start, no step lost', async () => {
  const trial = await Trial.start(cluster, image, folder);
  for (const phase of phases) {
    const { host } = await trial.reaches(phase, phase === 'training' ? 300 : 0);
    await cluster.kill(host);
    cluster.startWorker('gpu', host, 1);
  }
  const run = await trial.expectWhole(docker);
  expect(run).toMatchObject({ attempts: 1, resumedFromStep: null, failures: { crash: 0, infrastructure: 0 } });
}, 400_000);

test('killing the container in every phase resumes from the last checkpoint', async () => {
  const trial = await Trial.start(cluster, image, folder);
  for (const phase of phases) {
    await trial.reaches(phase, phase === 'training' ? 300 : 0);
    await trial.killContainer(docker);
  }
  const run = await trial.expectWhole(docker);
  expect(run.attempts).toBeGreaterThanOrEqual(phases.length + 1);
  // Somebody else killed it: that is no fault of the trainer.
  expect(run.failures.crash).toBe(0);
  expect(run.resumedFromStep).toBeGreaterThan(0);
}, 400_000);

test('killing the Temporal server in every phase loses nothing', async () => {
  const trial = await Trial.start(cluster, image, folder);
  for (const phase of phases) {
    await trial.reaches(phase, phase === 'training' ? 300 : 0);
    await cluster.kill('temporal');
    await sleep(2000);
    await cluster.startServer();
  }
  const run = await trial.expectWhole(docker);
  expect(run).toMatchObject({ attempts: 1, resumedFromStep: null });
}, 400_000);

test('killing the worker, and then the Temporal server, between two trainers costs no more than the trainer that had died', async () => {
  const trial = await Trial.start(cluster, image, folder);
  const { host } = await trial.reaches('training', 300);
  await trial.killContainer(docker);
  await cluster.kill(host);
  cluster.startWorker('gpu', host, 1);

  await trial.reaches('training', 400);
  await trial.killContainer(docker);
  await cluster.kill('temporal');
  await sleep(2000);
  await cluster.startServer();

  const run = await trial.expectWhole(docker);
  expect(run).toMatchObject({ attempts: 3, failures: { crash: 0, infrastructure: 2 } });
  expect(run.resumedFromStep).toBeGreaterThan(0);
}, 400_000);
