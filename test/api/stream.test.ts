// Proves that a reader who does not read is let go, and that a stream ends with its caller's right to it.
import { connect } from 'node:net';
import Fastify from 'fastify';
import { EventStream } from '../../src/api/events/stream';
import { until } from '../stack/helpers';
import { readEvents } from './support';

interface Opened {
  stream: EventStream;
  closed: boolean;
}

/** A server with one route of events, which a test sends. */
async function serve(options: { backlog: number; heartbeatMs: number; stillAllowed?: () => Promise<boolean> }) {
  const app = Fastify();
  const opened: Opened[] = [];
  app.get('/', (_request, reply) => {
    const entry: Opened = {
      closed: false,
      stream: new EventStream(reply, {
        stillAllowed: () => Promise.resolve(true),
        ...options,
        onClose: () => {
          entry.closed = true;
        },
      }),
    };
    opened.push(entry);
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { app, url, opened };
}

test('a reader that does not read is let go once its backlog is full, and others are not', async () => {
  const { app, url, opened } = await serve({ backlog: 64 * 1024, heartbeatMs: 60_000 });
  const slow = connect(Number(new URL(url).port), '127.0.0.1');
  slow.on('error', () => undefined);
  slow.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  slow.pause();
  await until('the slow one is there', () => opened.length === 1);
  const quick = readEvents(url);
  await until('the quick one is there', () => opened.length === 2);
  const [first, second] = opened as [Opened, Opened];
  let sent = 0;
  const before = process.memoryUsage().rss;
  while (!first.closed && sent < 50_000) {
    for (const { stream } of opened) stream.send('run', String(++sent), { filler: 'x'.repeat(2000) });
    await new Promise((done) => setImmediate(done));
  }
  expect(first.closed).toBe(true);
  expect(second.closed).toBe(false);
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  second.stream.end();
  expect((await quick).events.length).toBe(sent / 2);
  slow.destroy();
  await app.close();
}, 60_000);

test('signs of life come between events, and the stream ends when its caller may no longer have it', async () => {
  let asked = 0;
  const { app, url } = await serve({ backlog: 1e6, heartbeatMs: 20, stillAllowed: () => Promise.resolve(++asked < 4) });
  expect(await readEvents(url)).toEqual({ status: 200, comments: 3, events: [] });
  await app.close();
});
