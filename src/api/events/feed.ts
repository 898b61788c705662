import { setTimeout as delay } from 'node:timers/promises';
import { type Client, isGrpcServiceError } from '@temporalio/client';
import { experimentProgress, runProgress } from '../../client';
import { ids, type Progress } from '../../contract';
import { type Happening, happeningsReader, historyOf } from './history';

export interface Watcher {
  /** In order, each once. */
  happened: (happening: Happening) => void;
  /** Where it stands, steps of the trainers included; the newest replaces those before. */
  progress: (now: unknown) => void;
}

const progressEveryMs = 2000;
const longestPauseMs = 5000;

/** One question for news and one poll of steps an experiment, however many watch it; nothing while nobody does. */
export class Feeds {
  readonly #client: Client;
  readonly #feeds = new Map<string, Feed>();

  constructor(client: Client) {
    this.#client = client;
  }

  get size(): number {
    return this.#feeds.size;
  }

  /** Tells the watcher all after `after`, the past at once; returns how to stop. */
  watch(experimentId: string, runId: string, after: number, watcher: Watcher): () => void {
    const feed = this.#feeds.get(runId) ?? new Feed(this.#client, experimentId, runId);
    this.#feeds.set(runId, feed);
    const leave = feed.join(after, watcher);
    return () => {
      leave();
      if (feed.empty) {
        feed.close();
        this.#feeds.delete(runId);
      }
    };
  }
}

const notFound = 5;

const forgotten = (number: number): Happening => ({
  number,
  event: 'end',
  data: { status: 'failed', verdict: null, message: 'the Temporal server has no such workflow any more' },
});

class Feed {
  readonly #client: Client;
  readonly #experimentId: string;
  readonly #runId: string;
  readonly #watchers = new Set<Watcher>();
  readonly #stop = new AbortController();
  /** Small: one a change of stage or run, kept while somebody watches. */
  readonly #past: Happening[] = [];
  #progress: string | null = null;

  constructor(client: Client, experimentId: string, runId: string) {
    this.#client = client;
    this.#experimentId = experimentId;
    this.#runId = runId;
    void this.#follow();
    void this.#poll();
  }

  get empty(): boolean {
    return this.#watchers.size === 0;
  }

  join(after: number, watcher: Watcher): () => void {
    for (const happening of this.#past) if (happening.number > after) watcher.happened(happening);
    const filtered: Watcher = {
      happened: (happening) => happening.number > after && watcher.happened(happening),
      progress: watcher.progress,
    };
    this.#watchers.add(filtered);
    if (this.#progress !== null) watcher.progress(JSON.parse(this.#progress));
    return () => void this.#watchers.delete(filtered);
  }

  close(): void {
    this.#stop.abort();
  }

  get #ended(): boolean {
    return this.#stop.signal.aborted || this.#past.at(-1)?.event === 'end';
  }

  /** Reads the history to its end; a server that was away is asked again from the first event, and what was told is not told again. */
  async #follow(): Promise<void> {
    const execution = { workflowId: ids.experimentWorkflow(this.#experimentId), runId: this.#runId };
    for (let pause = 250; !this.#ended; pause = Math.min(2 * pause, longestPauseMs)) {
      try {
        const read = happeningsReader();
        for await (const events of historyOf(this.#client, execution, { wait: true, signal: this.#stop.signal })) {
          pause = 250;
          for (const event of events) {
            const happening = read(event);
            if (happening !== null && happening.number > (this.#past.at(-1)?.number ?? 0)) this.#tell(happening);
          }
        }
      } catch (error) {
        // Else the server restarts, or the stream is being closed.
        if (isGrpcServiceError(error) && error.code === notFound) this.#tell(forgotten((this.#past.at(-1)?.number ?? 0) + 1));
      }
      if (!this.#ended) await delay(pause, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  #tell(happening: Happening): void {
    this.#past.push(happening);
    for (const watcher of [...this.#watchers]) watcher.happened(happening);
  }

  async #poll(): Promise<void> {
    while (!this.#ended) {
      const now = await this.#ask().catch(() => null);
      const text = now === null ? null : JSON.stringify(now);
      if (text !== null && text !== this.#progress && !this.#ended) {
        this.#progress = text;
        for (const watcher of [...this.#watchers]) watcher.progress(now);
      }
      await delay(progressEveryMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #ask(): Promise<unknown> {
    const client = this.#client;
    return client.withDeadline(Date.now() + 10_000, async () => {
      const progress: Progress = await experimentProgress(client, this.#experimentId);
      const training = progress.runs.filter(({ state }) => state === 'training');
      const steps = await Promise.all(
        training.map(async ({ variant, seed }) => {
          const now = await runProgress(client, this.#experimentId, variant, seed).catch(() => null);
          return now === null ? [] : [{ variant, seed, ...now }];
        }),
      );
      const { stage, waitingFor, paused = false } = progress;
      return { stage, waitingFor, paused, runs: progress.runs, steps: steps.flat() };
    });
  }
}
