import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type Docker from 'dockerode';
import { exists, filesOf } from '../layout';
import { logTail } from '../logs';
import { type Engine, connect, statusOf, waitOut, within } from './engine';
import { readRecord } from './record';

/** From the folder once the container has ended, else from the engine. */
export async function containerLogTail(engine: Engine, dir: string, name: string | null, lines: number): Promise<string> {
  const files = filesOf(dir);
  if (name === null || exists(files.exit) || exists(files.stderr)) return logTail(dir, lines);
  const [out, err] = await waitOut(engine, () => Promise.all([logOf(engine, name, 'stdout', lines), logOf(engine, name, 'stderr', lines)]));
  return [out, err].map((log) => log.toString('utf8').replace(/(?<=.)$/, '\n')).join('');
}

/**
 * Writes what the container of an epoch has said, and with `follow` what it says until it ends. False where the epoch has no container,
 * or none any more.
 */
export async function copyContainerLogs(dir: string, to: Writable, { follow, docker = connect() }: CopyOptions): Promise<boolean> {
  const name = readRecord(dir)?.name;
  if (name === undefined || exists(filesOf(dir).exit)) return false;
  const container = docker.getContainer(name);
  try {
    if (!follow) {
      to.write(unframed(await container.logs({ follow: false, stdout: true, stderr: true, ...within(60) })));
      return true;
    }
    const log = await container.logs({ follow: true, stdout: true, stderr: true });
    docker.modem.demuxStream(log, to, to);
    await finished(log, { writable: false });
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

interface CopyOptions {
  follow: boolean;
  docker?: Docker;
}

/** What the engine kept, which is bounded; nothing where the container is gone. */
export async function saveLogs(engine: Engine, dir: string, id: string): Promise<void> {
  const files = filesOf(dir);
  for (const stream of ['stdout', 'stderr'] as const) {
    const draft = `${files[stream]}.${randomBytes(4).toString('hex')}`;
    writeFileSync(draft, await logOf(engine, id, stream, savedLines));
    renameSync(draft, files[stream]);
  }
}

const savedLines = 10_000;

async function logOf({ docker }: Engine, id: string, stream: 'stdout' | 'stderr', tail: number): Promise<Buffer> {
  try {
    return unframed(await docker.getContainer(id).logs({ follow: false, [stream]: true, tail, ...within(60) }));
  } catch (error) {
    // Removed, or about to be.
    if (statusOf(error) === 404 || statusOf(error) === 409) return Buffer.alloc(0);
    throw error;
  }
}

/** The engine puts eight bytes before each piece: the stream, three zeros, the length. */
function unframed(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at + 4);
    pieces.push(bytes.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(pieces);
}
