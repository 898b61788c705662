import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from './command';

export interface RegistryForTests {
  /** `127.0.0.1:<port>`, which the engine takes without TLS. */
  address: string;
  /** Pushes an image of the engine as `<address>/<name>:latest`; gives `<address>/<name>@sha256:...`. */
  push: (image: string, name: string) => Promise<string>;
  stop: () => Promise<void>;
}

/** Debian's docker-registry on a free loopback port, empty, in a folder of its own. */
export async function registryForTests(host: string): Promise<RegistryForTests> {
  const folder = mkdtempSync(join(tmpdir(), 'assay-registry-'));
  const config = join(folder, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      version: '0.1',
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
      http: { addr: '127.0.0.1:0' },
    }),
  );
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  const address = await new Promise<string>((resolve, reject) => {
    let log = '';
    const look = (text: string): void => {
      log += text;
      const found = /listening on (127\.0\.0\.1:\d+)/.exec(log);
      if (found?.[1]) resolve(found[1]);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', look);
    child.on('error', (error) => reject(new Error('docker-registry is not installed: apt-get install docker-registry', { cause: error })));
    child.on('exit', (code) => reject(new Error(`docker-registry ended with ${code}:\n${log}`)));
  });
  const docker = (...args: string[]): Promise<string> => command('docker', ['-H', host, ...args]);
  return {
    address,
    push: async (image, name) => {
      await docker('tag', image, `${address}/${name}:latest`);
      const digest = /digest: (sha256:[0-9a-f]{64})/.exec(await docker('push', `${address}/${name}:latest`))?.[1];
      if (digest === undefined) throw new Error(`docker push ${address}/${name} gave no digest`);
      return `${address}/${name}@${digest}`;
    },
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
