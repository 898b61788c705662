// Proves: checkpoints are handed in whatever the calendar does meanwhile.
import { mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointQueue } from '../../src/executor/checkpoints';

const dir = mkdtempSync(join(tmpdir(), 'assay-queue-'));

afterAll(() => rmSync(dir, { recursive: true, force: true }));

test('a calendar that is set back an hour keeps no checkpoint from being handed in', async () => {
  const handed: number[] = [];
  const queue = new CheckpointQueue(dir, async (step) => void handed.push(step));
  const addAt = (step: number, ms: number): void => {
    mkdirSync(join(dir, `step-${step}`));
    utimesSync(dir, ms / 1000, ms / 1000);
  };
  addAt(10, Date.now());
  queue.look();
  addAt(20, Date.now() - 3_600_000);
  queue.look();
  while (!queue.idle) await new Promise(setImmediate);
  expect(handed).toEqual([10, 20]);
  expect(queue.error).toBeNull();
});
