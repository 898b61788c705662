// Proves: a store that is away for a minute, a full disk and a clock that jumps change nothing of a training of more than a minute.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type Docker from 'dockerode';
import { Cluster } from '../cluster';
import { Trial, chaosEngine, phases, removeFolder, trainerFolder } from './trial';

let docker: Docker;
let image: string;
let env: Record<string, string>;
const folder = trainerFolder();
/** The store is away and full for longer than the usual training takes. */
const longer = 4200;

beforeAll(async () => {
  ({ docker, image, env } = await chaosEngine());
}, 1_200_000);

afterAll(() => removeFolder(folder));

test('a store that is away for a minute, and then a full disk, stop no trainer', async () => {
  const place = mkdtempSync(join(tmpdir(), 'assay-small-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', place]);
  mkdirSync(join(place, 'store'));
  const cluster = await Cluster.start({ hosts: ['host-a'], slots: 2, env, store: pathToFileURL(join(place, 'store')).href });
  try {
    const trial = await Trial.start(cluster, image, folder, longer);
    await trial.reaches('starting');
    execFileSync('mount', ['-o', 'remount,ro', place]);
    await sleep(60_000);
    execFileSync('mount', ['-o', 'remount,rw', place]);
    await sleep(5_000);
    const filler = join(place, 'filler');
    expect(() => writeFileSync(filler, Buffer.alloc(64 * 2 ** 20))).toThrow(/ENOSPC/);
    await trial.reaches('evaluating');
    await sleep(5_000);
    rmSync(filler);
    const run = await trial.expectWhole(docker);
    expect(run).toMatchObject({ attempts: 1, failures: { crash: 0, infrastructure: 0 } });
  } finally {
    await cluster.stop();
    execFileSync('umount', ['-l', place]);
    rmSync(place, { recursive: true, force: true });
  }
}, 600_000);

test('a clock that jumps by hours in every phase, ahead and back, changes nothing', async () => {
  const cluster = await Cluster.start({ hosts: [], slots: 1, env });
  const stamp = join(cluster.dir, 'clock');
  writeFileSync(stamp, '+0');
  const library = execFileSync('sh', ['-c', 'ls /usr/lib/*/faketime/libfaketimeMT.so.1'], { encoding: 'utf8' }).trim();
  const clock = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: stamp,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
  cluster.startWorker('gpu', 'host-a', 2, { env: clock });
  try {
    const trial = await Trial.start(cluster, image, folder);
    for (const [i, phase] of phases.entries()) {
      await trial.reaches(phase, phase === 'training' ? 300 : 0);
      writeFileSync(stamp, ['+1h', '-1h', '+2h', '+0'][i] ?? '+0');
    }
    const run = await trial.expectWhole(docker);
    expect(run).toMatchObject({ attempts: 1, failures: { crash: 0, infrastructure: 0 } });
    expect(run.seconds).toBeLessThan(600);
  } finally {
    await cluster.stop();
  }
}, 600_000);
