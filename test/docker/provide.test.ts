// The engine that npm test starts where none answers: private, shared by test runs, gone after the last.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../src/stack/paths';
import { command } from './command';

const root = packageRoot();
const isRoot = userInfo().uid === 0;
let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'assay-provide-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

/** A test run in a process of its own: prints the host, and stops when its standard input ends. */
const program = `
import { provideDocker } from '${join(root, 'scripts', 'lib', 'docker.mjs')}';
const { host, stop } = await provideDocker({ usual: 'unix:///nowhere/docker.sock' });
console.log(host);
process.stdin.resume().on('end', stop);
`;

async function testRun(): Promise<{ host: string; end: () => Promise<number | null> }> {
  const env: NodeJS.ProcessEnv = { ...process.env, ASSAY_CACHE: cache };
  delete env.DOCKER_HOST;
  // In a network of its own, where its bridge and its rules are not those of another engine.
  const [file, ...before] = isRoot ? ['unshare', '--net', process.execPath] : [process.execPath];
  const child = spawn(file ?? '', [...before, '--input-type=module', '-e', program], { cwd: root, env, stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const lines = createInterface({ input: child.stdout });
  const first = await lines[Symbol.asyncIterator]().next();
  if (first.done) throw new Error(errors);
  return {
    host: first.value,
    end: () => {
      child.stdin.end();
      return ended;
    },
  };
}

if (isRoot && existsSync('/etc/debian_version')) {
  test('two test runs share one engine, which the last one ends', async () => {
    const first = await testRun();
    const second = await testRun();
    expect(second.host).toBe(first.host);
    expect(await first.end()).toBe(0);
    const version = await command('docker', ['-H', second.host, 'version', '--format', '{{.Server.Version}}']);
    expect(version).toMatch(/^\d+\./);
    expect(await second.end()).toBe(0);
    expect(existsSync(second.host.slice('unix://'.length))).toBe(false);
  }, 120_000);
} else {
  test('where no engine answers and none can be installed, the error says what to do', async () => {
    await expect(testRun()).rejects.toThrow(/no Docker engine answers at .*; start Docker or install it/);
  });
}

test('an engine that DOCKER_HOST names and that is away is not replaced by another', async () => {
  const env = { ...process.env, DOCKER_HOST: 'unix:///nowhere/docker.sock', ASSAY_CACHE: cache };
  await expect(command(process.execPath, ['--input-type=module', '-e', program], { env })).rejects.toThrow(
    'no Docker engine answers at DOCKER_HOST=unix:///nowhere/docker.sock; start it, or unset DOCKER_HOST',
  );
});
