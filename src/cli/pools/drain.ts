import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { type HostDrain, ids, poolNames } from '../../contract';
import { count, poolState, requireHost, withPool } from '../gpus/gpus';

interface DrainOptions {
  yield?: boolean;
  wait?: boolean;
  /** Seconds. */
  timeout: number;
  json?: boolean;
}

/** Takes a host out of service. Exit code 3 where runs are left after the time that `--wait` has. */
export async function drain(host: string, options: DrainOptions): Promise<number> {
  let code = 0;
  await withPool(async (client, state) => {
    requireHost(state, host);
    const message: HostDrain = { host, drain: true, ...(options.yield ? { yield: true } : {}) };
    await client.workflow.getHandle(ids.gpuPool).signal<[HostDrain]>(poolNames.drain, message);
    const left = options.wait ? await untilEmpty(client, host, options.timeout * 1000) : await leasesOn(client, host);
    if (options.wait && left > 0) code = 3;
    if (options.json) process.stdout.write(`${JSON.stringify({ host, drained: true, leases: left })}\n`);
    else process.stdout.write(`${sentence(host, left, options)}\n`);
  });
  return code;
}

async function untilEmpty(client: Client, host: string, ms: number): Promise<number> {
  const deadline = Date.now() + ms;
  let said = -1;
  for (;;) {
    const left = await leasesOn(client, host);
    if (left === 0 || Date.now() > deadline) return left;
    if (left !== said) process.stderr.write(`${host}: ${count(left, 'lease')} left\n`);
    said = left;
    await delay(1000);
  }
}

async function leasesOn(client: Client, host: string): Promise<number> {
  const state = await poolState(client);
  return (state?.leases ?? []).filter(({ lease }) => lease.host === host).length;
}

function sentence(host: string, left: number, { wait, yield: yields, timeout }: DrainOptions): string {
  if (left === 0) return `${host} is drained and nothing runs there: it can be shut down`;
  if (wait) return `${host} takes no new lease; after ${timeout} s ${count(left, 'lease')} there still ran`;
  const ends = yields ? 'is asked to checkpoint and go on elsewhere' : 'will run to the end';
  return `${host} takes no new lease; ${count(left, 'lease')} there ${ends}`;
}
