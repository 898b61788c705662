import type { FastifyReply } from 'fastify';

export interface StreamOptions {
  /** Bytes that a reader may leave unread. */
  backlog: number;
  heartbeatMs: number;
  /** Before each heartbeat; false ends the stream. */
  stillAllowed: () => Promise<boolean>;
  onClose: () => void;
}

/** Server-sent events (WHATWG HTML 9.2) on an answer that the framework has let go of. */
export class EventStream {
  readonly #raw: FastifyReply['raw'];
  readonly #options: StreamOptions;
  readonly #timer: NodeJS.Timeout;

  constructor(reply: FastifyReply, options: StreamOptions) {
    reply.hijack();
    this.#raw = reply.raw;
    this.#options = options;
    const kept = Object.entries(reply.getHeaders()).filter((entry): entry is [string, string] => entry[1] !== undefined);
    this.#raw.writeHead(200, {
      ...Object.fromEntries(kept),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies that gather an answer before they hand it on.
      'x-accel-buffering': 'no',
    });
    this.#raw.on('close', () => {
      clearInterval(this.#timer);
      options.onClose();
    });
    this.#raw.on('error', () => undefined);
    this.#timer = setInterval(() => void this.#beat(), options.heartbeatMs);
    this.#write('retry: 2000\n\n');
  }

  /** `id` null where the event is none to come back to. */
  send(event: string, id: string | null, data: unknown): void {
    this.#write(`${id === null ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  end(): void {
    if (!this.#raw.writableEnded && !this.#raw.destroyed) this.#raw.end();
  }

  async #beat(): Promise<void> {
    if (await this.#options.stillAllowed().catch(() => true)) this.#write(': still here\n\n');
    else this.end();
  }

  /** A reader that does not read is let go: it comes back with its Last-Event-ID, and memory is bounded. */
  #write(text: string): void {
    if (this.#raw.writableEnded || this.#raw.destroyed) return;
    this.#raw.write(text);
    if (this.#raw.writableLength > this.#options.backlog) this.#raw.destroy();
  }
}
