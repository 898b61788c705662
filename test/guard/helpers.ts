import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootTime, writeGuardFile } from '../../src/activities/guardFile';
import { hostFiles } from '../../src/activities/hostFiles';
import { holderOf } from '../../src/activities/leases';
import type { Lease, LeaseRequest, RunKey } from '../../src/contract';
import { type TrainerStart, createProcessExecutor } from '../../src/executor';
import { lockHolder } from '../../src/stack/lock';
import { isAlive } from '../../src/stack/process';
import { start } from '../executor/helpers';

const made: { home: string; guards: ChildProcess[] }[] = [];

/** An ASSAY_HOME with real trainers, and the guard as a process of its own. */
export function newHome() {
  const home = mkdtempSync(join(tmpdir(), 'assay-guard-'));
  const guards: ChildProcess[] = [];
  made.push({ home, guards });
  const dirOf = (variant: string): string => join(home, 'runs', 'exp', variant, 'seed-1');
  return {
    home,
    /** Of a variant with seed 1, epoch 1. */
    dir: (variant: string): string => join(dirOf(variant), 'epoch-1'),
    trainer(variant: string, params: Record<string, unknown> = {}): TrainerStart {
      return start(dirOf(variant), 1, { steps: 1_000_000, msPerStep: 5, checkpointEvery: 1_000_000, ...params }, { variant });
    },
    /** As if the server had taken a report `secondsAgo` that named the leases of these variants. */
    renewed(secondsAgo: number, variants: string[], bootId = bootTime().bootId): void {
      const leases = variants.map((variant) => ({ leaseId: `lease-${variant}`, holder: holderOf(keyOf(variant)) }));
      writeGuardFile(hostFiles(home).guard, { session: 's', bootId, renewedAt: bootTime().seconds - secondsAgo, leases });
    },
    guard(): ChildProcess {
      const guard = spawn(process.execPath, [join(__dirname, 'fixtures', 'guard.cjs'), home], { stdio: 'inherit' });
      guards.push(guard);
      return guard;
    },
    guardPid(): number | null {
      const holder = lockHolder(hostFiles(home).guardLock);
      return holder !== null && isAlive(holder) ? holder.pid : null;
    },
  };
}

export async function removeHomes(): Promise<void> {
  for (const { home, guards } of made.splice(0)) {
    const holder = lockHolder(hostFiles(home).guardLock);
    const executor = createProcessExecutor();
    for (const { key } of await executor.list(join(home, 'runs'))) {
      await executor.stopRun(join(home, 'runs', key.experimentId, key.variant, `seed-${key.seed}`), { graceSeconds: 0 });
    }
    if (holder !== null && isAlive(holder)) process.kill(holder.pid, 'SIGTERM');
    for (const guard of guards) {
      if (guard.exitCode !== null || guard.signalCode !== null) continue;
      const gone = once(guard, 'exit');
      guard.kill('SIGTERM');
      await gone;
    }
    rmSync(home, { recursive: true, force: true });
  }
}

export const keyOf = (variant: string, seed = 1): RunKey => ({ experimentId: 'exp', variant, seed });

export function leaseOf(variant: string, overrides: Partial<Lease> = {}): { lease: Lease; request: LeaseRequest } {
  const holder = overrides.holder ?? holderOf(keyOf(variant));
  const lease: Lease = {
    leaseId: `lease-${variant}`,
    requestId: `request-${variant}`,
    holder,
    host: 'host-a',
    devices: [],
    model: 'cpu',
    exclusiveHost: false,
    ...overrides,
  };
  const request: LeaseRequest = {
    requestId: lease.requestId,
    holder,
    experimentId: 'exp',
    label: `${variant} seed 1`,
    owner: null,
    qos: 'standard',
    gpus: 0,
    gpuMemoryBytes: null,
    exclusiveHost: false,
    experimentGpus: null,
    avoid: { hosts: [], devices: [] },
  };
  return { lease, request };
}
