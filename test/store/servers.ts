import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { s3Client } from '../../src/store/s3';
import { temporaryFolder } from './helpers';

const started = new Set<ChildProcess>();

export interface S3Server {
  port: number;
  /** Where it keeps the objects of a bucket, as files named by their keys. */
  folder: (bucket: string) => string;
  kill: () => Promise<void>;
}

/** versitygw on an empty folder, or on that of one that was killed. The AWS variables of this process point to it. */
export async function startS3(folder = temporaryFolder(), port?: number): Promise<S3Server> {
  const binary = executable('ASSAY_TEST_S3', 'versitygw');
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true });
  const at = port ?? (await freePort());
  const args = ['--port', `127.0.0.1:${at}`, '--health', '/health', '--keep-alive', '--quiet', 'posix', data];
  const child = start(binary, args, { ROOT_ACCESS_KEY: 'assay', ROOT_SECRET_KEY: 'assay-secret' });
  await answering(child, `http://127.0.0.1:${at}/health`);
  useS3(at);
  return { port: at, folder: (bucket) => join(data, bucket), kill: () => stop(child) };
}

/** The AWS variables of this process, for a server of `startS3` or a proxy before it. */
export function useS3(port: number): void {
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_ENDPOINT_URL']) delete process.env[name];
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'assay',
    AWS_SECRET_ACCESS_KEY: 'assay-secret',
    // No profile and no instance role of this machine.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  });
}

let buckets = 0;

/** Makes a bucket; returns its name. */
export async function makeBucket(): Promise<string> {
  const name = `bucket-${process.pid}-${++buckets}`;
  await s3Client().send(new CreateBucketCommand({ Bucket: name }));
  return name;
}

export type Toxic = { type: string; stream?: 'upstream' | 'downstream'; toxicity?: number; attributes: Record<string, number> };

export interface Proxy {
  port: number;
  add: (toxic: Toxic) => Promise<void>;
  /** Takes all toxics away; the connections they hold are cut. */
  clear: () => Promise<void>;
  /** Refuses connections, or accepts them again. */
  enable: (enabled: boolean) => Promise<void>;
}

export interface Toxiproxy {
  proxy: (name: string, upstream: number) => Promise<Proxy>;
}

export async function startToxiproxy(): Promise<Toxiproxy> {
  const binary = executable('ASSAY_TEST_TOXIPROXY', 'toxiproxy');
  const api = `http://127.0.0.1:${await freePort()}`;
  const child = start(binary, ['-host', '127.0.0.1', '-port', new URL(api).port], {});
  await answering(child, `${api}/version`);
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await fetch(`${api}${path}`, { method, ...sent, signal: AbortSignal.timeout(10_000) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? null : await response.json();
  };
  return {
    proxy: async (name, upstream) => {
      const { listen } = (await call('POST', '/proxies', { name, listen: '127.0.0.1:0', upstream: `127.0.0.1:${upstream}` })) as {
        listen: string;
      };
      return {
        port: Number(listen.split(':')[1]),
        add: async (toxic) => {
          await call('POST', `/proxies/${name}/toxics`, toxic);
        },
        clear: async () => {
          for (const { name: toxic } of (await call('GET', `/proxies/${name}/toxics`)) as { name: string }[]) {
            await call('DELETE', `/proxies/${name}/toxics/${toxic}`);
          }
        },
        enable: async (enabled) => {
          await call('POST', `/proxies/${name}`, { enabled });
        },
      };
    },
  };
}

export async function stopServers(): Promise<void> {
  await Promise.all([...started].map(stop));
}

function executable(variable: string, name: string): string {
  const path = process.env[variable];
  if (path) return path;
  throw new Error(`${variable} is not set: it names a ${name} executable; \`npm test\` builds one and sets it.`);
}

function start(binary: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(binary, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
  started.add(child);
  child.on('exit', () => started.delete(child));
  // One that cannot be started is noticed where its answer is awaited.
  child.on('error', () => started.delete(child));
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function answering(child: ChildProcess, url: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; ; ) {
    const ok = await fetch(url, { signal: AbortSignal.timeout(2000) }).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    if (child.pid === undefined || child.exitCode !== null || Date.now() > deadline)
      throw new Error(`${child.spawnfile} does not answer at ${url}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
