import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { type HostReport, type Inventory, ids, leaseTerms, poolNames, queues } from '../contract';
import { bootTime, writeGuardFile } from './guardFile';
import type { LeaseBook } from './leases';

export interface HostReportOptions {
  client: Client;
  host: string;
  /** Trainers at once. */
  places: number;
  gpus: { inventory(): Promise<Inventory> };
  book: LeaseBook;
  /** Random for each start of the worker. */
  session: string;
  guardFile: string;
  /** Ends the loop. */
  signal: AbortSignal;
  /** After each report that the server took; the worker starts the guard here, should it have died. */
  onRenewed?: () => void;
  /** What keeps the reports from the server, each time it changes; null when they arrive again. */
  onTrouble?: (trouble: string | null) => void;
}

/**
 * For the connection of `client`: by default the waits between tries to connect grow to minutes while a server is away, and the terms of
 * leases would end after it is back.
 */
export const promptReconnect = { 'grpc.initial_reconnect_backoff_ms': 500, 'grpc.max_reconnect_backoff_ms': 1000 };

/**
 * Tells the pool what this host has, until `signal`. Looked at every `reportSeconds`: what has changed is sent at once; unchanged, it is
 * sent again after 2 x `reportSeconds` while leases are held and after half a term while none is; what fails is tried again every second.
 */
export async function reportHost(options: HostReportOptions): Promise<void> {
  const { client, host, places, book, session, guardFile, signal, onRenewed, onTrouble } = options;
  const inventory = inventoryOf(options.gpus);
  let taken: { content: string; at: number } | null = null;
  let trouble: string | null = null;
  while (!signal.aborted) {
    try {
      const { devices, absent } = await inventory();
      const report: HostReport = { host, places, devices, absent, leases: book.held(), session };
      const content = JSON.stringify(report);
      const { bootId, seconds } = bootTime();
      if (taken === null || taken.content !== content || seconds - taken.at >= renewSeconds(report)) {
        await send(client, report, signal);
        taken = { content, at: seconds };
        const leases = report.leases.map(({ lease: { leaseId, holder } }) => ({ leaseId, holder }));
        writeGuardFile(guardFile, { session, bootId, renewedAt: seconds, leases });
        onRenewed?.();
      }
      if (trouble !== null) onTrouble?.(null);
      trouble = null;
    } catch (error) {
      // Asked again at the next look. Whatever the reason, it costs no training: that is the guard's to decide.
      const message = `the report of ${host} did not reach the pool: ${reasonOf(error)}`;
      if (!signal.aborted && message !== trouble) onTrouble?.(message);
      trouble = message;
    }
    const pauseMs = trouble === null ? leaseTerms.reportSeconds * 1000 : retryMs;
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

const renewSeconds = ({ leases }: HostReport): number => (leases.length > 0 ? 2 * leaseTerms.reportSeconds : leaseTerms.term / 2);

/** Three bounds: the deadline ends the client's own retries, the abort a call under way, the timer holds whatever the calendar does. */
async function send(client: Client, report: HostReport, signal: AbortSignal): Promise<void> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(tryMs)]);
  const signalled = client.withDeadline(Date.now() + tryMs, () =>
    client.withAbortSignal(over, () =>
      client.workflow.signalWithStart(poolNames.workflow, {
        workflowId: ids.gpuPool,
        taskQueue: queues.control,
        args: [{}],
        staticSummary: 'hosts, devices, leases, and who waits',
        signal: poolNames.report,
        signalArgs: [report],
      }),
    ),
  );
  const late = sleep(2 * tryMs, undefined, { ref: false }).then(() => {
    throw new Error(`no answer within ${(2 * tryMs) / 1000} s`);
  });
  await Promise.race([signalled, late]).finally(() => {
    for (const loser of [signalled, late]) loser.catch(() => undefined);
  });
}

/** Asked anew in the background: a device that hangs its driver must not stop the renewal of other leases. */
function inventoryOf(gpus: HostReportOptions['gpus']): () => Promise<Pick<Inventory, 'devices' | 'absent'>> {
  let known: Pick<Inventory, 'devices' | 'absent'> | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | null = null;
  const ask = async (): Promise<void> => {
    const given = await Promise.race([gpus.inventory().catch(noDevices), sleep(inventoryMs, undefined, { ref: false })]);
    known = given ?? noDevices(`the devices did not answer for ${inventoryMs / 1000} s`);
    asking = null;
  };
  return async () => {
    const { seconds } = bootTime();
    if (asking === null && seconds - askedAt >= inventorySeconds) {
      askedAt = seconds;
      asking = ask();
    }
    // A driver that hangs must not keep a worker that has just started from renewing what runs here.
    if (known === null) await Promise.race([asking, sleep(firstMs, undefined, { ref: false })]);
    return known ?? noDevices('the devices have not answered yet');
  };
}

const noDevices = (reason: unknown): Pick<Inventory, 'devices' | 'absent'> => ({ devices: [], absent: reasonOf(reason) });

/** The first line of the innermost cause, which says more than "Failed to signal Workflow". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? reasonOf(error.cause) : (error.message.split('\n', 1)[0] ?? '');
}

const tryMs = 5000;
const retryMs = 1000;
const inventorySeconds = 30;
/** The first report waits for the devices no longer than this. */
const firstMs = 15_000;
/** `nvidia-smi` without persistence mode takes seconds a device. */
const inventoryMs = 60_000;
