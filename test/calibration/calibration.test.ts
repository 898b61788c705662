// Proves: what docs/calibration.md claims of each method still holds, with 200 experiments a row; `npm run test:calibration` has 2,000.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

test('every claim holds in 200 simulated experiments a row', () => {
  const script = join(__dirname, '..', '..', 'scripts', 'test-calibration.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--quick', '--json'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  expect(stderr.split('\n').filter((line) => line.startsWith('✗'))).toEqual([]);
  expect(status).toBe(0);
  expect(stderr).toMatch(/[23]\d\d rows of 200 experiments in \d+ s: every claim holds/);
}, 600_000);
