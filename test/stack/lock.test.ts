import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryLock, withLock } from '../../src/stack/lock';
import { identify, identifySelf, isAlive, terminate, type ProcessIdentity } from '../../src/stack/process';

const folder = mkdtempSync(join(tmpdir(), 'assay-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('work under one lock never overlaps', async () => {
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await new Promise((done) => setImmediate(done));
    inside--;
  };
  await Promise.all(Array.from({ length: 5 }, () => withLock(join(folder, 'shared'), 10_000, work)));
  expect(most).toBe(1);
});

test('the lock of a dead process is taken over, that of a living one is not', async () => {
  const file = join(folder, 'owned');
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const owner = identify(child.pid as number) as ProcessIdentity;
  writeFileSync(file, JSON.stringify(owner));
  expect(tryLock(file)).toBeNull();
  await terminate(owner, 5000);
  expect(tryLock(file)).toBeInstanceOf(Function);
});

test('a pid that was given to another process is not the process it was', () => {
  expect(isAlive(identifySelf())).toBe(true);
  expect(isAlive({ ...identifySelf(), started: 'another time' })).toBe(false);
});
