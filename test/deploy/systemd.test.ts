// deploy/systemd by systemd's own checker, and what a trainer's life hangs on.
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { settings } from '../../workers/settings';
import { check, deploy, filesIn } from './tools';

const units = filesIn(deploy('systemd'), '.service');
const unit = (name: string): string => readFileSync(deploy('systemd', `${name}.service`), 'utf8');
const setting = (name: string, key: string): string[] =>
  [...unit(name).matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

test('systemd accepts every unit', () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-units-'));
  try {
    for (const file of units) cpSync(file, join(folder, basename(file)));
    check('SYSTEMD_ANALYZE', ['verify', '--man=no', '--recursive-errors=no', ...units.map((file) => join(folder, basename(file)))]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('units that run no trainer are hardened below 2 of 10', () => {
  for (const name of ['control', 'analysis', 'api']) {
    check('SYSTEMD_ANALYZE', ['security', '--offline=true', '--no-pager', '--threshold=20', deploy('systemd', `assay-${name}.service`)]);
  }
});

test('a restart of the GPU pool leaves its trainers and their files alone', () => {
  expect(setting('assay-gpu', 'KillMode')).toEqual(['process']);
  expect(setting('assay-gpu', 'OOMPolicy')).toEqual(['continue']);
  for (const key of ['PrivateTmp', 'PrivateDevices', 'ProtectProc', 'RuntimeDirectory', 'MemoryMax'])
    expect([key, setting('assay-gpu', key)]).toEqual([key, []]);
  // The guard has a control group of its own, and comes back after whatever ends it.
  expect(setting('assay-guard', 'Restart')).toEqual(['always']);
  expect(setting('assay-guard', 'StartLimitIntervalSec')).toEqual(['0']);
  expect(setting('assay-gpu', 'Wants')[0]).toContain('assay-guard.service');
  for (const key of ['PartOf', 'BindsTo', 'Requires']) expect(setting('assay-guard', key)).toEqual([]);
});

test('a pool is given longer to stop than it takes', () => {
  // workers/pool.ts: what is cancelled at the end of the grace has 30 s; docs/configuration.md: the grace is 10 s.
  for (const name of ['assay-control', 'assay-analysis', 'assay-gpu'])
    expect(Number(setting(name, 'TimeoutStopSec')[0])).toBeGreaterThanOrEqual(40);
});

test('every unit runs what is there, as the user that sysusers makes, in the home that tmpfiles makes', () => {
  for (const file of units) {
    const name = basename(file, '.service');
    expect([name, setting(name, 'User')]).toEqual([name, ['assay']]);
    expect(setting(name, 'WorkingDirectory')).toEqual(['/var/lib/assay']);
    expect(setting(name, 'ExecStart')[0]).toMatch(/\/opt\/assay\/(?:dist\/workers\/(?:control|analysis|gpu|guard)\.js|bin\/assay serve)/);
  }
  expect(readFileSync(deploy('systemd', 'sysusers.conf'), 'utf8')).toMatch(/^u assay /m);
  expect(readFileSync(deploy('systemd', 'tmpfiles.conf'), 'utf8')).toMatch(/^d \/var\/lib\/assay 0750 assay assay/m);
});

test('a pool takes the example environment', () => {
  const lines = ['assay.env.example', 'gpu.env.example'].flatMap((file) => readFileSync(deploy('systemd', file), 'utf8').split('\n'));
  const { home, slots, storeUrl } = settings(
    Object.fromEntries(lines.filter((line) => /^\w+=/.test(line)).map((line) => line.split(/=(.*)/s))),
  );
  expect([home, slots, storeUrl]).toEqual(['/var/lib/assay', 8, 's3://assay/store']);
});
