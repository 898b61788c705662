import { readFile, stat } from 'node:fs/promises';
import type { Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import { AssayError } from '../contract';
import { log } from '../observability';

export interface TlsFiles {
  cert: string;
  key: string;
}

const everyMs = 2000;

/** Certificate and key; throws `SpecInvalid` where they are none, or do not belong together. */
export async function readTls({ cert, key }: TlsFiles): Promise<{ cert: Buffer; key: Buffer; minVersion: 'TLSv1.2' }> {
  try {
    const pair = { cert: await readFile(cert), key: await readFile(key), minVersion: 'TLSv1.2' } as const;
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    throw new AssayError('SpecInvalid', `${cert} and ${key} are no certificate and key for TLS: ${(cause as Error).message}`, { cause });
  }
}

/** Takes a renewed pair into use without a restart; one that is broken leaves the former. Returns how to stop looking. */
export function reloadTls(server: Server, files: TlsFiles): () => void {
  let known = '';
  const look = async (): Promise<void> => {
    const stamp = (await Promise.all([stat(files.cert), stat(files.key)]))
      .map(({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`)
      .join(' ');
    if (stamp === known) return;
    const first = known === '';
    known = stamp;
    if (first) return;
    server.setSecureContext(await readTls(files));
    log.info('the certificate was renewed');
  };
  const attempt = (): void => void look().catch((error: unknown) => log.error('the certificate could not be renewed', { error }));
  attempt();
  const timer = setInterval(attempt, everyMs).unref();
  return () => clearInterval(timer);
}
