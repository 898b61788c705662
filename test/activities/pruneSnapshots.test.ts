import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pruneSnapshots } from '../../src/activities';

const hour = 3_600_000;
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'assay-prune-'));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function snapshot(digit: string, hoursAgo: number): string {
  const name = digit.repeat(64);
  const folder = join(home, 'cache', 'snapshots', name);
  mkdirSync(join(folder, 'data'), { recursive: true });
  const at = new Date(Date.now() - hoursAgo * hour);
  utimesSync(folder, at, at);
  return name;
}

it('removes snapshots that nobody asked for in a day, and keeps the rest', async () => {
  const [old, fresh] = [snapshot('a', 30), snapshot('b', 2)];
  expect(await pruneSnapshots(home)).toEqual([old]);
  expect(readdirSync(join(home, 'cache', 'snapshots'))).toEqual([fresh]);
});

it('keeps what a run that is still here may be using, however long ago it asked for it', async () => {
  snapshot('a', 30);
  mkdirSync(join(home, 'runs', 'digits-1'), { recursive: true });
  // Seen from a week later, the run began a week ago and its snapshot was asked for thirty hours before.
  expect(await pruneSnapshots(home, Date.now() + 7 * 24 * hour)).toHaveLength(1);
  snapshot('b', 2);
  expect(await pruneSnapshots(home, Date.now() + 7 * 24 * hour)).toEqual([]);
});

it('has nothing to do on a host without snapshots', async () => {
  expect(await pruneSnapshots(home)).toEqual([]);
});
