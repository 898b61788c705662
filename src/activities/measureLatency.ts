import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import { type GpuActivities, type ResolvedSpec, type Snapshot, type TelemetrySample, mediaTypes } from '../contract';
import { materialise } from '../data';
import { type TurnTrainer, runTurns } from '../executor';
import { summarise } from '../gpu';
import { currentTrace, traceEnvironment } from '../observability';
import { materialiseCode } from './code';
import { containerFor } from './container';
import { checkDevices } from './devices';
import { requireTerm } from './guardFile';
import { whileHeartbeating } from './heartbeat';
import { type GpuDeps, codeDir, executorOf, runsDir, snapshotsDir } from './host';
import { runFileFor } from './runFile';

/** All variants at once on the same leased devices, one working at a time, in ABBA blocks (run contract, "Turns"). */
export function createMeasureLatency(deps: GpuDeps): GpuActivities['measureLatency'] {
  const { store, home, gpus, book, python, runtimeDir } = deps;
  return ({ plan, snapshot: summary, models, lease, request, image, code: codeRef }) =>
    whileHeartbeating(async () => {
      const context = Context.current();
      const spec = await store.getJson<ResolvedSpec>(plan.spec);
      const snapshot = await store.getJson<Snapshot>(summary.ref);
      const executor = executorOf(deps, spec);
      const uuids = lease.devices.map((device) => device.uuid);
      // A try of its own folder: what an earlier, lost try left is never mistaken for this one's.
      const base = join(runsDir(home), plan.experimentId, 'latency', `try-${context.info.attempt}-${lease.leaseId}`);
      book.begin(lease, request);
      const sampling = new AbortController();
      try {
        await removeOtherTries(base);
        const data = await materialise({ snapshotRef: summary.ref, store, dir: snapshotsDir(home), cache: deps.cache });
        const code = codeRef === null || image === null ? null : await materialiseCode(store, codeRef, codeDir(home));
        await checkDevices(deps, lease);
        const trainers: TurnTrainer[] = [];
        for (const { variant, seed, model, remedy } of models) {
          const dir = join(base, variant);
          const key = { experimentId: plan.experimentId, variant, seed };
          const { mounts, ...start } = runFileFor({
            ...{ spec, snapshot, data, key, dir, mode: 'latency', epoch: 1, lease, remedy },
            ...{ resume: null, warmStart: null, usedSeconds: 0, python, runtimeDir },
          });
          if (model) {
            mounts.model = join(base, `model-${variant}`);
            await store.fetchFolder(model, mounts.model);
            if (!image) start.runFile.model = mounts.model;
          }
          const container = containerFor({ spec, image, lease, code, mounts });
          const env = { ...start.env, ...traceEnvironment(currentTrace()) };
          trainers.push({ variant, dir, ...start, env, limits: { cpus: spec.runtime.cpus }, ...(container ? { container } : {}) });
        }
        requireTerm(home);
        context.cancellationSignal.throwIfAborted();
        const samples: TelemetrySample[] = [];
        const watching =
          uuids.length === 0
            ? Promise.resolve()
            : gpus.telemetry(uuids, { onSample: (sample) => samples.push(sample), onLost: () => undefined, signal: sampling.signal });
        const watched = watching.catch(() => undefined);
        const turns: { variant: string; block: number; from: number; until: number }[] = [];
        const measured = await runTurns({
          executor,
          trainers,
          blocks: spec.evaluation.latency.blocks,
          timeoutSeconds: turnSeconds,
          onTurn: (turn) => turns.push(turn),
          signal: context.cancellationSignal,
        });
        await sampledPast(samples, turns.at(-1)?.until ?? 0, watched);
        const throttled = new Set(
          turns.filter((turn) => throttledDuring(samples, turn)).map(({ variant, block }) => `${variant}/${block}`),
        );
        const measurements = [];
        for (const { variant, lines } of measured) {
          const text = lines
            .map((line) => (throttled.has(`${variant}/${line.block}`) ? { ...line, throttled: true } : line))
            .map((line) => `${JSON.stringify(line)}\n`)
            .join('');
          measurements.push({ variant, lines: await store.put(text, mediaTypes.jsonLines) });
        }
        return { host: lease.host, model: lease.model, measurements };
      } finally {
        sampling.abort();
        book.end(lease.leaseId);
        // What stays is removed by the next try, and costs no measurement.
        await rm(base, { recursive: true, force: true }).catch(() => undefined);
      }
    });
}

/** Of workers that were killed in the middle. */
async function removeOtherTries(base: string): Promise<void> {
  const tries = await readdir(dirname(base)).catch(() => []);
  for (const name of tries) {
    if (name.startsWith('try-') && name !== basename(base)) await rm(join(dirname(base), name), { recursive: true, force: true });
  }
}

/** The sample that follows the last turn, where one still comes. */
async function sampledPast(samples: TelemetrySample[], moment: number, watched: Promise<void>): Promise<void> {
  const late = performance.now() + samplePatienceMs;
  const has = (): boolean => Date.parse(samples.at(-1)?.timestamp ?? '') > moment;
  const ended = watched.then(() => true);
  while (!has() && performance.now() < late && !(await Promise.race([ended, sleep(50, false)])));
}

/** Samples come once a second: the one just after a short block belongs to it too. A power cap is how a device is run, and no reason. */
function throttledDuring(samples: TelemetrySample[], { from, until }: { from: number; until: number }): boolean {
  const during = samples.filter(({ timestamp }) => Date.parse(timestamp) >= from && Date.parse(timestamp) <= until + 1000);
  return summarise(during).throttledShare > 0;
}

const samplePatienceMs = 3000;

/** Longest turn, loading and warm-up included. */
const turnSeconds = 600;
