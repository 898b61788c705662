// Proves how a missing server is provided: fetched once by any number of callers, and one error with every mend where nothing works.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideTemporal } from '../../src/stack';

const folder = mkdtempSync(join(tmpdir(), 'assay-provide-'));
const asked: string[] = [];
let server: Server;
let base: string;

beforeAll(async () => {
  mkdirSync(join(folder, 'archive'));
  writeFileSync(join(folder, 'archive', 'temporal'), '#!/bin/sh\necho served\n', { mode: 0o755 });
  execFileSync('tar', ['-czf', join(folder, 'archive.tar.gz'), '-C', join(folder, 'archive'), 'temporal']);
  server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (request.url === '/archive.tar.gz') response.end(readFileSync(join(folder, 'archive.tar.gz')));
    else if (request.url?.startsWith('/cli/'))
      response.end(JSON.stringify({ archiveUrl: `${base}/archive.tar.gz`, fileToExtract: 'temporal' }));
    else response.writeHead(503).end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await new Promise((done) => server.close(done));
  rmSync(folder, { recursive: true, force: true });
});

test('callers at the same time share one download, and later ones find it in the cache', async () => {
  // tar is found by the PATH of this process; the callers' own PATH holds no server.
  const options = { env: { PATH: '', ASSAY_CACHE: join(folder, 'cache') }, downloads: base };
  const provided = await Promise.all([provideTemporal(options), provideTemporal(options), provideTemporal(options)]);
  const target = join(folder, 'cache', 'bin', 'temporal');
  expect(provided).toEqual([target, target, target]);
  expect(await provideTemporal(options)).toBe(target);
  expect(execFileSync(target, { encoding: 'utf8' })).toBe('served\n');
  expect(asked.filter((url) => url === '/archive.tar.gz')).toHaveLength(1);
  expect(readdirSync(join(folder, 'cache', 'bin'))).toEqual(['temporal']);
});

test('where nothing works the error names what was tried and each mend', async () => {
  const options = { env: { PATH: '', ASSAY_CACHE: join(folder, 'empty') }, downloads: `${base}/broken` };
  const failure = provideTemporal(options);
  await expect(failure).rejects.toMatchObject({ type: 'ServerUnavailable' });
  await expect(failure).rejects.toThrow(
    /the download failed \(.* answered 503\) and so did the build \(Go is not installed\)\. Set TEMPORAL_ADDRESS .* install Go 1\.24/,
  );
});
