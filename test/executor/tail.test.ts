import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventTail } from '../../src/executor/tail';

const folder = mkdtempSync(join(tmpdir(), 'assay-tail-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('follows the steps, and knows how many there will be from the start event', async () => {
  const path = join(folder, 'events.jsonl');
  const tail = new EventTail(path);
  await tail.read();
  expect([tail.step, tail.totalSteps]).toEqual([null, null]);
  writeFileSync(path, '{"type":"start","step":0,"total_steps":300}\n{"type":"step","step":1,"loss":0.5}\n{"type":"step","st');
  await tail.read();
  expect([tail.step, tail.totalSteps, tail.loss]).toEqual([1, 300, 0.5]);
  appendFileSync(path, 'ep":2,"loss":NaN}\n{"type":"start","step":2,"total_steps":null}\n');
  await tail.read();
  expect([tail.step, tail.totalSteps, tail.loss]).toEqual([2, 300, null]);
  tail.close();
});
