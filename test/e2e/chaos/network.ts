import { execFileSync } from 'node:child_process';
import { type Server, type Socket, connect, createServer } from 'node:net';

/** A network namespace whose only neighbour is a relay to the Temporal server; `cut` takes the cable away, `mend` puts it back. Of several, each has an index. */
export async function isolatedNetwork(index = 0) {
  const name = `assay-${process.pid}-${index}`;
  const [outer, inner] = [`va${process.pid}x${index}`, `vb${process.pid}x${index}`];
  const subnet = `10.${213 + index}.${process.pid % 250}`;
  const ip = (...args: string[]): void => void execFileSync('ip', args);
  let relay: Server | null = null;
  const sockets = new Set<Socket>();
  ip('netns', 'add', name);
  ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name);
  ip('addr', 'add', `${subnet}.1/24`, 'dev', outer);
  ip('link', 'set', outer, 'up');
  ip('-n', name, 'addr', 'add', `${subnet}.2/24`, 'dev', inner);
  ip('-n', name, 'link', 'set', inner, 'up');
  ip('-n', name, 'link', 'set', 'lo', 'up');
  return {
    /** Goes before a command that is to run in it. */
    inside: ['ip', 'netns', 'exec', name],
    /** Address by which the server at this port of the loopback is reached from inside. */
    async relayTo(port: number): Promise<string> {
      const server = createServer((from) => {
        const to = connect(port, '127.0.0.1');
        for (const [one, other] of [
          [from, to],
          [to, from],
        ] as const) {
          sockets.add(one);
          one.on('error', () => other.destroy());
          one.on('close', () => other.destroy());
          one.pipe(other);
        }
      });
      relay = server;
      await new Promise<void>((resolve) => server.listen(0, `${subnet}.1`, resolve));
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('the relay has no port');
      return `${subnet}.1:${address.port}`;
    },
    cut: () => ip('link', 'set', outer, 'down'),
    mend: () => ip('link', 'set', outer, 'up'),
    async remove(): Promise<void> {
      for (const socket of sockets) socket.destroy();
      relay?.close();
      ip('netns', 'del', name);
    },
  };
}
