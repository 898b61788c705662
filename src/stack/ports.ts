import { createServer, type Server } from 'node:net';
import type { Ports } from './state';

/** The wanted ports where they are free, else free ones, all on loopback. */
export async function choosePorts(wanted: Ports | null): Promise<Ports> {
  if (wanted !== null && (await isFree(wanted.frontend)) && (await isFree(wanted.ui)) && (await isFree(wanted.api))) return wanted;
  // All are held until all are known, else the system may give the same one twice.
  const servers = await Promise.all([listen(0), listen(0), listen(0)]);
  const [frontend, ui, api] = servers.map((server) => (server.address() as { port: number }).port) as [number, number, number];
  await Promise.all(servers.map(close));
  return { frontend, ui, api };
}

/** `undefined` in the state of an earlier version. */
async function isFree(port: number | undefined): Promise<boolean> {
  if (port === undefined) return false;
  try {
    await close(await listen(port));
    return true;
  } catch {
    return false;
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.once('error', fail);
    server.listen(port, '127.0.0.1', () => done(server));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((done) => server.close(() => done()));
}
