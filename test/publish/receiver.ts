import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { NotificationInput, NotifyEvent, NotifyTarget } from '../../src/contract';
import { newSecret } from '../../src/publish';

export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A real HTTP server on a port of its own, which answers as it is told. */
export class Receiver {
  readonly received: Received[] = [];
  answer: (response: ServerResponse, request: Received, socket: Socket) => void = (response) => response.writeHead(204).end();
  port = 0;
  private server = createServer();

  static async start(port = 0): Promise<Receiver> {
    const receiver = new Receiver();
    await receiver.open(port);
    return receiver;
  }

  /** Listens, on the same port as before where there was one. */
  async open(port = this.port): Promise<void> {
    this.server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const got = {
          method: request.method ?? '',
          path: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        };
        this.received.push(got);
        this.answer(response, got, request.socket);
      });
    });
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook/in-the-path`;
  }
}

export const secret = newSecret();

export const targetOf = (webhook: string, change: Partial<NotifyTarget> = {}): NotifyTarget => ({
  ...{ webhook, format: 'standard', secret: null },
  on: ['experiment.done', 'experiment.failed', 'experiment.cancelled', 'approval.waiting', 'series.alert'],
  ...change,
});

export const done: NotifyEvent = {
  ...{ schema: 'assay.event/1', type: 'experiment.done', at: '2026-11-22T03:00:00.000Z' },
  ...{ experiment: 'digits-20261122-025800-a1b2', name: 'digits', owner: 'vision-team', series: 'nightly' },
  sentence: 'Adopt mlp: it is 2.1 points more accurate than <logistic> & friends.',
  ...{ outcome: 'adopt', harm: false, effect: 0.0214 },
  links: { report: 'https://assay.example.org/v1/experiments/digits-20261122-025800-a1b2/report', workflow: null },
};

export const messageTo = (webhook: string, change: Partial<NotifyTarget> = {}): NotificationInput => ({
  ...{ id: 'digits-20261122-025800-a1b2/experiment~done-1', target: targetOf(webhook, change), event: done },
});
