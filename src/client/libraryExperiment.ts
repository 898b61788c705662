import { setTimeout as pause } from 'node:timers/promises';
import { WorkflowFailedError, WorkflowNotFoundError, isGrpcServiceError } from '@temporalio/client';
import {
  AssayError,
  type AuditEntry,
  type ExperimentRecord,
  type Progress,
  type Result,
  type SteeringCommand,
  ids,
  isFinal,
  refNames,
} from '../contract';
import { cancelExperiment, experimentProgress, experimentResult } from './experiments';
import { failureOf, failureWithoutRecord } from './failure';
import { steer } from './steering';
import type { Place } from './submit';

export interface WatchOptions {
  /** Milliseconds between two looks, default 1000. */
  everyMs?: number;
  signal?: AbortSignal;
}

/** One experiment, running or not. */
export class Experiment {
  readonly id: string;
  /** False where an idempotency key named one that was there, null where it was not started by this call. */
  readonly created: boolean | null;
  readonly #at: Place;

  constructor(at: Place, id: string, created: boolean | null = null) {
    this.#at = at;
    this.id = id;
    this.created = created;
  }

  /**
   * Waits for the end, for weeks if need be, and gives the whole `assay.result/1`. Rejects with the `AssayError` that the experiment failed
   * with, with `Conflict` where it was cancelled or terminated, and with `NotFound` where neither server nor store know it.
   */
  async result(): Promise<Result> {
    const { client, store } = this.#at;
    const before = await this.record();
    if (before === null || before.status === 'running') {
      try {
        await experimentResult(client, this.id);
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) throw this.#unknown(error);
        if (!(error instanceof WorkflowFailedError)) throw error;
        const record = await this.record();
        throw record === null || record.status === 'running' ? failureWithoutRecord(this.id, error) : failureOf(record);
      }
    }
    const record = await this.record();
    // One that was cancelled while its verdict waited has a result that nobody approved.
    if (record?.result && record.status === 'done') return store.getJson<Result>(record.result);
    throw record === null ? this.#unknown() : failureOf(record);
  }

  /** Where it stands now; needs the control pool. */
  async progress(): Promise<Progress> {
    try {
      return await experimentProgress(this.#at.client, this.id);
    } catch (error) {
      throw error instanceof WorkflowNotFoundError ? this.#unknown(error) : error;
    }
  }

  /**
   * Each change of the progress, the present one first and the last one at the end; asks every `everyMs`, default 1000. A server or a pool
   * that is away is waited for. Leaving the loop, or `signal`, ends the watching and never the experiment.
   */
  async *watch({ everyMs = 1000, signal }: WatchOptions = {}): AsyncGenerator<Progress, void, undefined> {
    const handle = this.#at.client.workflow.getHandle(ids.experimentWorkflow(this.id));
    for (let last = ''; ; await pause(everyMs, undefined, signal && { signal })) {
      signal?.throwIfAborted();
      try {
        const open = (await handle.describe()).status.name === 'RUNNING';
        const now = await experimentProgress(this.#at.client, this.id);
        const text = JSON.stringify(now);
        if (text !== last) yield now;
        last = text;
        if (!open || isFinal(now.stage)) return;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) throw this.#unknown(error);
        if (!isGrpcServiceError(error) && !isGrpcServiceError((error as Error).cause)) throw error;
      }
    }
  }

  /** Pause, resume, approve, reject, stop a variant, add seeds, change the priority. Resolves with its line of the audit trail. */
  steer(command: SteeringCommand): Promise<AuditEntry> {
    return steer(this.#at.client, this.id, command);
  }

  /** Asks it to stop; its trainers write a last checkpoint. One that has ended stays as it is. */
  async cancel(): Promise<void> {
    try {
      await cancelExperiment(this.#at.client, this.id);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      if ((await this.record()) === null) throw this.#unknown(error);
    }
  }

  /** The report of a finished experiment: the page that people read, or the result as JSON. Throws `Conflict` before its end. */
  async report(format: 'html' | 'json' = 'html'): Promise<string> {
    const record = await this.record();
    if (record === null) throw this.#unknown();
    if (record.status === 'running')
      throw new AssayError('Conflict', `${this.id} is still running, so that it has no report; await result() first`);
    if (record.report === null || record.result === null) throw failureOf(record);
    return (await this.#at.store.get(format === 'html' ? record.report : record.result)).toString('utf8');
  }

  /** What the store knows of it; null before it has begun. */
  async record(): Promise<ExperimentRecord | null> {
    return (await this.#at.store.refs.get<ExperimentRecord>(refNames.experiment(this.id)))?.value ?? null;
  }

  #unknown(cause?: unknown): AssayError {
    const { client, store } = this.#at;
    return new AssayError(
      'NotFound',
      `no experiment "${this.id}" in namespace ${client.options.namespace} or ${store.url}; list() gives those that are known`,
      { cause },
    );
  }
}
