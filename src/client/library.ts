import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Client } from '@temporalio/client';
import { type ChildExperiment, type ExperimentRecord, type SpecInput, refNames } from '../contract';
import { openStore } from '../store';
import { childExperiment } from './child';
import { type ServerOptions, connectTemporal } from './connect';
import { Experiment } from './libraryExperiment';
import { provenanceOf } from './provenance';
import { specOfFile, specOfObject } from './specFile';
import { type Place, type Submission, prepareExperiment, submitExperiment } from './submit';
import { Triggers } from './triggers';

export type {
  Approval,
  AuditEntry,
  Check,
  ChildExperiment,
  Comparison,
  ErrorType,
  ExperimentInput,
  ExperimentOutput,
  ExperimentRecord,
  ExperimentWorkflow,
  Progress,
  Provenance,
  RegisteredPlan,
  Result,
  SpecInput,
  SteeringCommand,
  StartRequest,
  StartedExperiment,
  Trigger,
  TriggerAnswer,
  TriggerPolicy,
  TriggersState,
  VariantResult,
  Verdict,
} from '../contract';
export { AssayError, errorCatalogue } from '../contract';
export type { Experiment, WatchOptions } from './libraryExperiment';
export type { AskedExperiment, Triggers } from './triggers';

/** Where to connect; what is left out comes from the environment, as for the `assay` command. */
export interface ConnectOptions extends ServerOptions {
  /** Default ASSAY_STORE, else the store in ASSAY_HOME; the same that the worker pools use. */
  store?: string;
}

export interface StartOptions {
  /** The same key gives the same experiment, also after a crash or after its end; another spec under it rejects with `Conflict`. */
  idempotencyKey?: string;
  /** Who asks, for the record; default the user of this process. */
  by?: string;
  /** Folder that relative paths of a spec given as an object start from, default the working directory. */
  root?: string;
}

/**
 * Connects to a Temporal server and a store. Starts neither: for the embedded ones run `assay dev`, which prints their addresses.
 * Rejects with `ServerUnavailable` where no server answers within 10 s.
 */
export async function connect({ store, ...server }: ConnectOptions = {}): Promise<Assay> {
  const home = resolve(process.env.ASSAY_HOME ?? '.assay');
  const url = store ?? process.env.ASSAY_STORE ?? pathToFileURL(join(home, 'store')).href;
  // The store first: a wrong address needs no server to be told.
  const opened = openStore(url);
  return new Assay({ client: await connectTemporal(server), store: opened }, home);
}

/** A connection, for as long as the service lives. */
export class Assay {
  readonly #at: Place;
  readonly #home: string;

  constructor(at: Place, home: string) {
    this.#at = at;
    this.#home = home;
  }

  /** The connected client of Temporal, e.g. for workflows of one's own. */
  get client(): Client {
    return this.#at.client;
  }

  /** Starts an experiment from a file, or from a spec as an object. Rejects with `SpecInvalid` with every problem, before anything starts. */
  async startExperiment(spec: SpecInput | string, options: StartOptions = {}): Promise<Experiment> {
    const { experimentId, created } = await submitExperiment(this.#at, await this.#submission(spec, options));
    return new Experiment(this.#at, experimentId, created);
  }

  /** Stores an experiment for a workflow that runs it as its child: call it in an activity, and hand on what it gives. */
  async prepareExperiment(spec: SpecInput | string, options: StartOptions = {}): Promise<ChildExperiment> {
    return childExperiment(await prepareExperiment(this.#at.store, await this.#submission(spec, options)));
  }

  /** One that was started before, by anybody. */
  experiment(id: string): Experiment {
    return new Experiment(this.#at, id);
  }

  /** What the store knows, newest first. */
  async list({ name, limit = 100 }: { name?: string; limit?: number } = {}): Promise<ExperimentRecord[]> {
    const { refs } = this.#at.store;
    const found = await Promise.all(
      (await refs.list(refNames.experiment(name === undefined ? '' : `${name}-`))).map((ref) => refs.get<ExperimentRecord>(ref)),
    );
    return found
      .flatMap((entry) => (entry && (name === undefined || entry.value.name === name) ? [entry.value] : []))
      .sort((a, b) => b.startedAt.localeCompare(a.startedAt))
      .slice(0, limit);
  }

  /** A queue of triggers that feeds one experiment after the other. */
  triggers(name: string): Triggers {
    return new Triggers(this.#at, name, (spec, options) => this.#submission(spec, options));
  }

  /** Waits for writes that are under way, then lets go of the server. */
  async close(): Promise<void> {
    await this.#at.store.settle();
    await this.#at.client.connection.close();
  }

  async #submission(given: SpecInput | string, { idempotencyKey, by, root = '.' }: StartOptions): Promise<Submission> {
    const { store } = this.#at;
    const { spec, text } = typeof given === 'string' ? await specOfFile(given) : specOfObject(given, root);
    const command = [process.argv0, ...process.argv.slice(1, 2)];
    const provenance = await provenanceOf({ store, root: spec.root, source: spec.data.source, home: this.#home, version, command });
    return { spec, source: text, provenance, idempotencyKey, by };
  }
}

const version = ((): string => {
  const up = join(__dirname, '..', '..');
  const root = up.endsWith('dist') ? join(up, '..') : up;
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
})();
