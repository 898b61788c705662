import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HealthCheck } from '../../src/contract';
import { changeable, masked, replayed } from './helpers';

const before: HealthCheck = { ok: true, device: masked, findings: [], memoryBefore: 0, productMs: null };

test('processes that compute on a device are found with their memory', async () => {
  expect(await replayed('in-use').processes([masked])).toEqual([
    { uuid: masked, pid: 11327, memoryBytes: 2566 * 2 ** 20 },
    { uuid: masked, pid: 11328, memoryBytes: 1542 * 2 ** 20 },
    { uuid: masked, pid: 11345, memoryBytes: 15690 * 2 ** 20 },
  ]);
  expect(await replayed('in-use').processes(['GPU-else'])).toEqual([]);
  expect(await replayed('healthy').processes([masked])).toEqual([]);
});

test('of a MIG instance the processes of its device are told', async () => {
  const found = await replayed('mig').processes(['MIG-00000001-0000-0000-0000-000000000001']);
  expect(found.map(({ pid }) => pid)).toEqual([21180, 21181, 21198]);
});

test('a run that left nothing leaks nothing', async () => {
  expect(await replayed('healthy').leaksAfter(before, [masked], { pids: [11345] })).toEqual([]);
});

test('a process and memory that are left are two leaks', async () => {
  const leaks = await replayed('in-use').leaksAfter([before], [masked], { pids: [11345], patienceMs: 0 });
  expect(leaks).toEqual([
    `process 11345 of the run is still on ${masked} with 16.45 GB`,
    `20.78 GB of ${masked} are in use after the run, 0.00 GB were before it`,
  ]);
});

test('where others use the device too, only processes of the run count', async () => {
  expect(await replayed('in-use').leaksAfter(before, [masked], { pids: [1], marginBytes: null, patienceMs: 0 })).toEqual([]);
});

test('memory that was in use before the run is no leak', async () => {
  const used = { ...before, memoryBefore: 19800 * 2 ** 20 };
  expect(await replayed('in-use').leaksAfter(used, [masked], { pids: [], patienceMs: 0 })).toEqual([]);
});

test('a device that is freed a moment later does not leak', async () => {
  const { dir, remove } = changeable('in-use');
  try {
    const looking = replayed(dir).leaksAfter(before, [masked], { pids: [11345], patienceMs: 30_000 });
    const healthy = (name: string) => readFileSync(join(__dirname, 'recorded', 'healthy', name));
    for (const name of ['apps.csv', 'gpus.csv']) writeFileSync(join(dir, name), healthy(name));
    expect(await looking).toEqual([]);
  } finally {
    remove();
  }
});
