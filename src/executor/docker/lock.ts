import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One at a time on this host. A name of the abstract sockets is free again the moment its process dies, whatever it dies of. */
export async function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  if (process.platform !== 'linux') return work();
  for (;;) {
    const server = createServer().unref();
    try {
      server.listen(`\0assay/${name}`);
      await once(server, 'listening');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      await sleep(20);
      continue;
    }
    try {
      return await work();
    } finally {
      server.close();
      await once(server, 'close');
    }
  }
}
