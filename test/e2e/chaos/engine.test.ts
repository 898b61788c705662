// Proves: the Docker daemon is killed and started again in every phase of a training of more than a minute, with live-restore (containers
// live on) and without (they die with it); either way the experiment ends as if nothing had happened.
import { setTimeout as sleep } from 'node:timers/promises';
import { dockerForTests } from '../../docker/engine';
import { OwnEngine } from '../../docker/ownEngine';
import { Cluster } from '../cluster';
import { Trial, phases, removeFolder, trainerFolder } from './trial';

let image: string;
let from: string;
const folder = trainerFolder();

beforeAll(async () => {
  const shared = await dockerForTests();
  from = shared.host;
  image = await shared.torch();
}, 1_200_000);

afterAll(() => removeFolder(folder));

test.each([
  { liveRestore: true, attempts: 1 },
  { liveRestore: false, attempts: null },
])(
  'killing the Docker daemon in every phase, live-restore $liveRestore, loses at most the work since the last checkpoint',
  async ({ liveRestore, attempts }) => {
    const engine = await OwnEngine.start({ from, liveRestore });
    const cluster = await Cluster.start({ hosts: ['host-a'], slots: 2, env: { DOCKER_HOST: engine.host } });
    try {
      const trial = await Trial.start(cluster, image, folder);
      for (const phase of phases) {
        await trial.reaches(phase, phase === 'training' ? 300 : 0);
        // Where containers die with the engine anyway, one strike falls between two trainers.
        if (!liveRestore && phase === 'checkpointing') await trial.killContainer(engine.docker);
        await engine.kill();
        await sleep(2000);
        await engine.up({ liveRestore });
      }
      const run = await trial.expectWhole(engine.docker);
      if (attempts !== null) expect(run.attempts).toBe(attempts);
      expect(run.failures.crash).toBe(0);
    } finally {
      await cluster.stop();
      await engine.stop();
    }
  },
  600_000,
);
