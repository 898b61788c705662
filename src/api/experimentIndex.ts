import {
  type Effect,
  effectOf,
  type ExperimentRecord,
  type Outcome,
  type Ref,
  refNames,
  type Result,
  type SeriesRecord,
  type Stage,
  stages,
} from '../contract';
import { log } from '../observability';
import type { ExperimentRow } from '../pages';
import { ask, type Context } from './context';

/** How old what is shown may be. */
const freshMs = 2000;
/** Series change with the end of a run alone. */
const seriesMs = 10_000;
/** Records read at once. */
const atOnce = 32;
/** How long a page waits for what the Temporal server knows of running ones, and for effects that a record lacks. */
const patienceMs = 500;
const effectMs = 1500;

export interface Listing {
  rows: ExperimentRow[];
  seriesNames: string[];
  /** What is not known just now, a sentence each. */
  notes: string[];
}

/** Kept of a record: the list of thousands fits in a few megabytes. */
interface Known {
  row: Omit<ExperimentRow, 'series'>;
  result: Ref | null;
}

interface Open {
  stage: Stage | null;
  series: string | null;
  startedAt: string;
}

/** Every experiment of the store and of the Temporal server, in memory: records of ended ones are read once, the others anew. */
export class ExperimentIndex {
  readonly #context: Context;
  #known = new Map<string, Known>();
  #series = new Map<string, string>();
  #seriesNames: string[] = [];
  #open = new Map<string, Open>();
  #effects = new Map<string, Effect | null>();
  #readAt = -Infinity;
  #seriesAt = -Infinity;
  #reading: Promise<void> | null = null;
  #asking: Promise<void> | null = null;
  /** Since when a part does not answer, ms. */
  #storeAway: number | null = null;
  #serverAway = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Begins to read, so that the first page need not wait for all of it. A failure is for the page to tell. */
  warm(): void {
    this.#readOnce().catch(() => undefined);
  }

  /** What there is now; of a store that does not answer what it said last, with a note. Throws where it never has. */
  async list(): Promise<Listing> {
    await this.#refresh();
    const ids = [...this.#known.keys(), ...[...this.#open.keys()].filter((id) => !this.#known.has(id))];
    return { rows: ids.map((id) => this.#row(id)), seriesNames: this.#seriesNames, notes: this.#notes() };
  }

  /** Fills in the effects that records of earlier versions lack, from their results; what takes too long is there the next time. */
  async addEffects(rows: readonly ExperimentRow[]): Promise<void> {
    const lacking = rows.filter(({ id, effect }) => effect === null && !this.#effects.has(id) && this.#known.get(id)?.result);
    if (lacking.length > 0)
      await within(
        effectMs,
        inBatches(lacking, 8, (row) => this.#readEffect(row.id)),
      );
    for (const row of rows) row.effect ??= this.#effects.get(row.id) ?? null;
  }

  /** One reading for all who ask meanwhile. */
  async #refresh(): Promise<void> {
    if (Date.now() - this.#readAt < freshMs) return;
    this.#asking ??= this.#readOpen().finally(() => (this.#asking = null));
    const asked = this.#serverAway ? Promise.resolve() : within(patienceMs, this.#asking);
    await Promise.all([this.#readOnce(), asked]);
  }

  #readOnce(): Promise<void> {
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    return this.#reading;
  }

  async #read(): Promise<void> {
    const { refs } = this.#context.store;
    try {
      const prefix = refNames.experiment('');
      const ids = (await refs.list(prefix)).map((name) => name.slice(prefix.length));
      const there = new Set(ids);
      for (const id of this.#known.keys()) if (!there.has(id)) this.#known.delete(id);
      await inBatches(
        ids.filter((id) => this.#known.get(id)?.row.finishedAt == null),
        atOnce,
        (id) => this.#readRecord(id),
      );
      if (Date.now() - this.#seriesAt > seriesMs) await this.#readSeries();
      this.#storeAway = null;
      this.#readAt = Date.now();
    } catch (error) {
      if (this.#readAt === -Infinity) throw error;
      this.#storeAway ??= this.#readAt;
    }
  }

  /** One that cannot be read is left out, and told in the log: a damaged record must not hide all others. */
  async #readRecord(id: string): Promise<void> {
    const name = refNames.experiment(id);
    const found = await this.#context.store.refs.get<ExperimentRecord>(name).catch((error: unknown) => {
      if ((error as { type?: string }).type !== 'ObjectCorrupt') throw error;
      log.error('a record of an experiment cannot be read', { experiment: id, error });
      return null;
    });
    if (found !== null) this.#known.set(id, { row: rowOf(found.value), result: found.value.result });
  }

  async #readSeries(): Promise<void> {
    const { refs } = this.#context.store;
    const of = new Map<string, string>();
    const names: string[] = [];
    for (const ref of await refs.list(refNames.series(''))) {
      const found = await refs.get<SeriesRecord>(ref);
      if (found === null) continue;
      const { name, looks, failures } = found.value;
      names.push(name);
      for (const { experimentId } of [...looks, ...failures]) of.set(experimentId, name);
    }
    this.#series = of;
    this.#seriesNames = names;
    this.#seriesAt = Date.now();
  }

  /** What runs, as the Temporal server has indexed it; also what has no record yet. */
  async #readOpen(): Promise<void> {
    const open = new Map<string, Open>();
    const { client } = this.#context;
    try {
      await ask(
        this.#context,
        async () => {
          const query = `WorkflowType = 'experiment' AND ExecutionStatus = 'Running'`;
          for await (const { workflowId, startTime, searchAttributes } of client.workflow.list({ query })) {
            const said = searchAttributes as Record<string, unknown[] | undefined>;
            const [stage, series] = [said['AssayStage']?.[0], said['AssaySeries']?.[0]];
            open.set(workflowId.replace(/^assay\//, ''), {
              stage: stages.includes(stage as Stage) ? (stage as Stage) : null,
              series: typeof series === 'string' ? series : null,
              startedAt: startTime.toISOString(),
            });
          }
        },
        3000,
      );
      this.#open = open;
      this.#serverAway = false;
    } catch {
      this.#serverAway = true;
    }
  }

  async #readEffect(id: string): Promise<void> {
    const result = this.#known.get(id)?.result;
    if (!result) return;
    // What is damaged or gone has none, and the report says why.
    this.#effects.set(id, await this.#context.store.getJson<Result>(result).then(effectOf, () => null));
  }

  #row(id: string): ExperimentRow {
    const known = this.#known.get(id);
    const open = this.#open.get(id);
    const series = this.#series.get(id) ?? open?.series ?? null;
    if (known === undefined) return { ...unrecorded(id), startedAt: open?.startedAt ?? null, series };
    const { row } = known;
    const state = row.state === 'running' && !this.#serverAway ? (open?.stage ?? row.state) : row.state;
    return { ...row, state, series };
  }

  #notes(): string[] {
    return [
      ...(this.#storeAway === null
        ? []
        : [
            `The store does not answer: this is what it held at ${new Date(this.#storeAway).toISOString().slice(0, 19).replace('T', ' ')} UTC.`,
          ]),
      ...(this.#serverAway ? ['The Temporal server does not answer: the stages of running experiments are not known.'] : []),
    ];
  }
}

function rowOf(record: ExperimentRecord): Known['row'] {
  const { experimentId: id, name, owner, status, startedAt, finishedAt, verdict, effect, message, report } = record;
  const outcome: Outcome | null = verdict?.outcome ?? null;
  return {
    ...{ id, name, owner, state: status, startedAt, outcome, message },
    finishedAt: status === 'running' ? null : (finishedAt ?? startedAt),
    harm: verdict?.harm ?? false,
    variant: verdict?.variant ?? null,
    effect: effect ?? null,
    report: report !== null,
  };
}

/** Between the start and the first step of its workflow. */
const unrecorded = (id: string): Omit<ExperimentRow, 'series'> => ({
  ...{ id, name: id.replace(/-\d{8}-\d{6}-[^-]*$/, ''), owner: null, state: 'registering', startedAt: null, finishedAt: null },
  ...{ outcome: null, harm: false, variant: null, effect: null, message: null, report: false },
});

async function inBatches<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: Math.min(width, items.length) }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

/** Resolves when the work is done, or the time is over. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => undefined), over]).finally(() => clearTimeout(timer));
}
