import { setTimeout as delay } from 'node:timers/promises';
import { type Client, isGrpcServiceError } from '@temporalio/client';
import { experimentProgress, runProgress, type Waits, waitsOf } from '../../client';
import { type CurvePoint, ids, type Progress, type TrainProgress } from '../../contract';
import { type Happening, happeningsReader, historyOf } from './history';

export interface Watcher {
  /** In order, each once. */
  happened: (happening: Happening) => void;
  /** Where it stands, steps of the trainers included; the newest replaces those before. */
  progress: (now: unknown) => void;
  /** The whole curve of a run, thinned, whenever it has grown. */
  curve: (curve: CurveNow) => void;
}

/** What the trainer of a run last said of itself. */
export type StepNow = Omit<TrainProgress, 'curve'> & { variant: string; seed: number };
export interface CurveNow {
  variant: string;
  seed: number;
  points: readonly CurvePoint[];
}

/** What the watchers of an experiment know by now. */
export interface Seen {
  past: readonly Happening[];
  steps: readonly StepNow[];
  curves: readonly CurveNow[];
  waits: Waits;
}

/** Heartbeats of the runs that are training, one question a run. */
export async function stepsNow(client: Client, { experimentId, runs }: Progress): Promise<{ steps: StepNow[]; curves: CurveNow[] }> {
  const steps: StepNow[] = [];
  const curves: CurveNow[] = [];
  const training = runs.filter(({ state }) => state === 'training');
  const found = await Promise.all(training.map(({ variant, seed }) => runProgress(client, experimentId, variant, seed).catch(() => null)));
  for (const [i, now] of found.entries()) {
    const { variant, seed } = training[i] ?? { variant: '', seed: 0 };
    if (now === null) continue;
    const { curve = [], ...step } = now;
    steps.push({ variant, seed, ...step });
    if (curve.length > 0) curves.push({ variant, seed, points: curve });
  }
  return { steps, curves };
}

const progressEveryMs = 2000;
/** A description of every run: asked more seldom. */
const waitsEveryMs = 10_000;
const longestPauseMs = 5000;

/** One question for news and one poll of steps and waits an experiment, however many watch it; nothing while nobody does. */
export class Feeds {
  readonly #client: Client;
  readonly #feeds = new Map<string, Feed>();

  constructor(client: Client) {
    this.#client = client;
  }

  get size(): number {
    return this.#feeds.size;
  }

  /** What is known of an experiment that is watched; null of what nobody watches, or has not been looked at yet. */
  seen(runId: string): Seen | null {
    return this.#feeds.get(runId)?.seen ?? null;
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
  #waits: Waits | null = null;
  #looking: Promise<void> | null = null;
  #steps: readonly StepNow[] | null = null;
  readonly #curves = new Map<string, { text: string; curve: CurveNow }>();

  constructor(client: Client, experimentId: string, runId: string) {
    this.#client = client;
    this.#experimentId = experimentId;
    this.#runId = runId;
    void this.#follow();
    void this.#every(progressEveryMs, () => this.#look());
    void this.#every(waitsEveryMs, () => this.#lookAtWaits());
  }

  get seen(): Seen | null {
    if (this.#past.length === 0 || this.#steps === null || this.#waits === null) return null;
    return { past: this.#past, steps: this.#steps, curves: [...this.#curves.values()].map(({ curve }) => curve), waits: this.#waits };
  }

  get empty(): boolean {
    return this.#watchers.size === 0;
  }

  join(after: number, watcher: Watcher): () => void {
    for (const happening of this.#past) if (happening.number > after) watcher.happened(happening);
    const filtered: Watcher = {
      happened: (happening) => happening.number > after && watcher.happened(happening),
      progress: watcher.progress,
      curve: watcher.curve,
    };
    this.#watchers.add(filtered);
    if (this.#progress !== null) watcher.progress(JSON.parse(this.#progress));
    for (const { curve } of this.#curves.values()) watcher.curve(curve);
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
    // What it waits for is another thing now.
    if (happening.event === 'steering' || happening.event === 'stage') void this.#lookAtWaits().catch(() => undefined);
  }

  async #every(ms: number, look: () => Promise<void>): Promise<void> {
    while (!this.#ended) {
      // The server may be away for a while: the next look finds it again.
      await look().catch(() => undefined);
      await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    const client = this.#client;
    const { now, curves } = await client.withDeadline(Date.now() + 10_000, async () => {
      const progress = await experimentProgress(client, this.#experimentId);
      const { steps, curves: grown } = await stepsNow(client, progress);
      const { stage, waitingFor, paused = false, runs } = progress;
      return { now: { stage, waitingFor, paused, runs, steps, waits: this.#waits }, curves: grown };
    });
    this.#steps = now.steps;
    if (this.#ended) return;
    const text = JSON.stringify(now);
    if (text !== this.#progress) {
      this.#progress = text;
      for (const watcher of [...this.#watchers]) watcher.progress(now);
    }
    for (const curve of curves) this.#grown(curve);
  }

  #grown(curve: CurveNow): void {
    const text = JSON.stringify(curve);
    const key = `${curve.variant}/${curve.seed}`;
    if (text === this.#curves.get(key)?.text) return;
    this.#curves.set(key, { text, curve });
    for (const watcher of [...this.#watchers]) watcher.curve(curve);
  }

  /** One look at a time: a past that is read at once has many stages. */
  #lookAtWaits(): Promise<void> {
    this.#looking ??= waitsOf(this.#client, this.#experimentId)
      .then((waits) => {
        this.#waits = waits;
      })
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }
}
