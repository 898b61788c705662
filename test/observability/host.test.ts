// Proves: steps, silence and checkpoints of runs, and the requests to each replica of a store, are counted where they happen.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { countUpload, followRun, serveRunMetrics } from '../../src/activities/runMetrics';
import type { TrainProgress } from '../../src/contract';
import { metricsText, openMetrics } from '../../src/observability';
import { openStore } from '../../src/store';
import { valueOf } from './samples';

const folder = mkdtempSync(join(tmpdir(), 'assay-observed-'));

beforeAll(() => openMetrics({ pool: 'gpu', version: '0', build: '0' }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('only steps that this host saw are counted, and the longest silence of its runs is shown', async () => {
  serveRunMetrics('host-a');
  const progress: TrainProgress = {
    ...{ epoch: 1, host: 'host-a', pid: 1, phase: 'starting', message: '', step: 0, totalSteps: null },
    ...{ secondsLeft: null, loss: null, throughput: null, checkpointStep: null },
  };
  const stop = followRun(progress);
  // It goes on from a checkpoint: what was before it was counted when it was made.
  Object.assign(progress, { phase: 'training', step: 100 });
  await until(async () => valueOf(await metricsText(), 'assay_host_runs', { host: 'host-a', phase: 'training' }) === 1);
  await until(async () => Number(valueOf(await metricsText(), 'assay_run_progress_age_seconds', { host: 'host-a' })) > 1.2);
  expect(valueOf(await metricsText(), 'assay_train_steps_total', { host: 'host-a' })).toBeUndefined();
  progress.step = 107;
  stop();
  const text = await metricsText();
  expect(valueOf(text, 'assay_train_steps_total', { host: 'host-a' })).toBe(7);
  expect(valueOf(text, 'assay_run_progress_age_seconds', { host: 'host-a' })).toBe(0);
  expect(valueOf(text, 'assay_host_runs', { host: 'host-a', phase: 'training' })).toBe(0);
});

test('an upload counts its bytes, and one that failed counts as such', async () => {
  const store = openStore(pathToFileURL(join(folder, 'uploads')).href);
  writeFileSync(join(folder, 'weights'), Buffer.alloc(5000));
  const dir = mkdtempSync(join(folder, 'step-'));
  writeFileSync(join(dir, 'weights'), Buffer.alloc(5000));
  await countUpload(store, 10, () => store.putFolder(dir));
  await expect(countUpload(store, 11, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const text = await metricsText();
  expect(valueOf(text, 'assay_checkpoint_uploaded_bytes_total', {})).toBe(5000);
  expect(valueOf(text, 'assay_checkpoint_uploads_total', { result: 'ok' })).toBe(1);
  expect(valueOf(text, 'assay_checkpoint_uploads_total', { result: 'error' })).toBe(1);
});

test('each replica has its requests, bytes and times, and one that is away shows', async () => {
  const [near, blocked] = [pathToFileURL(join(folder, 'near')).href, pathToFileURL(join(folder, 'in-the-way', 'store')).href];
  writeFileSync(join(folder, 'in-the-way'), 'a file');
  const store = openStore(near);
  const ref = await store.put(Buffer.alloc(300_000, 7), 'application/octet-stream');
  expect(await store.get(ref)).toHaveLength(300_000);
  await expect(openStore(blocked).put('x', 'text/plain')).rejects.toThrow();
  const text = await metricsText();
  expect(valueOf(text, 'assay_store_requests_total', { operation: 'create', replica: near, result: 'ok' })).toBe(1);
  expect(valueOf(text, 'assay_store_requests_total', { operation: 'read', replica: near, result: 'ok' })).toBeGreaterThanOrEqual(1);
  expect(valueOf(text, 'assay_store_transferred_bytes_total', { backend: 'file', direction: 'written' })).toBeGreaterThanOrEqual(300_000);
  expect(valueOf(text, 'assay_store_transferred_bytes_total', { backend: 'file', direction: 'read' })).toBeGreaterThanOrEqual(300_000);
  expect(valueOf(text, 'assay_store_request_duration_seconds_count', { operation: 'create', backend: 'file' })).toBeGreaterThanOrEqual(1);
  expect(valueOf(text, 'assay_store_replica_up', { replica: near })).toBe(1);
  expect(valueOf(text, 'assay_store_replica_up', { replica: blocked })).toBe(0);
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 100));
}
