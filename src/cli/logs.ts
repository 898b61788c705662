import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AssayError, type ExperimentRecord, type Ref, type ReplayReport, type Result, type RunOutcome, type RunRecord } from '../contract';
import type { Store } from '../store';
import { homeDir, sessionStore } from './home';
import { findRecord } from './session';

/** The log of one run: of a finished one from the store, of a running one from this host's files. */
export async function logs(id: string, run: string | undefined, options: { follow?: boolean }): Promise<void> {
  const store = sessionStore();
  const record = await findRecord(store, id);
  const runs = await endedRuns(store, record);
  if (runs !== null) {
    if (run === undefined) {
      process.stdout.write(`${runs.map(({ name }) => name).join('\n')}\n`);
      return;
    }
    const chosen = runs.find(({ name }) => name === run);
    if (chosen !== undefined && chosen.log === null && chosen.failure !== null) {
      // A run without a result leaves the end of its log in what is told of it.
      process.stdout.write(`${chosen.failure.type}: ${chosen.failure.message}\n`);
      return;
    }
    if (!chosen?.log)
      throw unknownRun(
        record,
        run,
        runs.map(({ name }) => name),
      );
    process.stdout.write(await store.get(chosen.log));
    return;
  }
  await localLogs(record, run, options.follow ?? false);
}

/** Null before the end. */
async function endedRuns(store: Store, { result, replay }: ExperimentRecord): Promise<EndedRun[] | null> {
  if (result) {
    const { variants } = await store.getJson<Result>(result);
    return variants.flatMap(({ name, runs }) =>
      runs.map(({ seed, artifacts, failure }) => ({ name: `${name}/${seed}`, log: artifacts.log, failure })),
    );
  }
  if (!replay?.report) return null;
  const { runs } = await store.getJson<ReplayReport>(replay.report);
  return Promise.all(
    runs.map(async ({ variant, seed, record, failure }) => ({
      name: `${variant}/${seed}`,
      log: record === null ? null : (await store.getJson<RunRecord>(record)).artifacts.log,
      failure,
    })),
  );
}

interface EndedRun {
  name: string;
  log: Ref | null;
  failure: RunOutcome['failure'];
}

async function localLogs(record: ExperimentRecord, run: string | undefined, follow: boolean): Promise<void> {
  const base = join(homeDir(), 'runs', record.experimentId);
  const known = await runsBelow(base);
  if (run === undefined) {
    process.stdout.write(known.length > 0 ? `${known.join('\n')}\n` : 'no run has started on this host\n');
    return;
  }
  if (!known.includes(run)) throw unknownRun(record, run, known);
  const dir = join(base, run.replace(/\/(\d+)$/, '/seed-$1'));
  const epochs = (await readdir(dir)).filter((name) => name.startsWith('epoch-')).sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)));
  const newest = epochs.at(-1);
  if (newest === undefined) return;
  const { copyContainerLogs } = await import('../executor/index.js');
  if (await copyContainerLogs(join(dir, newest), process.stdout, { follow })) return;
  const files = ['stdout.log', 'stderr.log'].map((name) => ({ path: join(dir, newest, name), at: 0 }));
  do {
    for (const file of files) file.at = await copyFrom(file.path, file.at);
    if (follow) await new Promise((resolve) => setTimeout(resolve, 500));
  } while (follow && (await stat(join(dir, newest)).catch(() => null)));
}

/** Prints what a file has beyond `at`; returns where it ends now. */
async function copyFrom(path: string, at: number): Promise<number> {
  const size = (await stat(path).catch(() => null))?.size ?? 0;
  if (size <= at) return at;
  for await (const chunk of createReadStream(path, { start: at, end: size - 1 })) process.stdout.write(chunk as Buffer);
  return size;
}

async function runsBelow(base: string): Promise<string[]> {
  const variants = await readdir(base).catch(() => []);
  const runs = await Promise.all(
    variants.map(async (variant) =>
      (await readdir(join(base, variant)))
        .filter((name) => name.startsWith('seed-'))
        .map((name) => `${variant}/${name.slice('seed-'.length)}`),
    ),
  );
  return runs.flat().sort();
}

function unknownRun(record: ExperimentRecord, run: string, known: string[]): AssayError {
  return new AssayError(
    'NotFound',
    `no log of "${run}" for ${record.experimentId}; expected VARIANT/SEED, one of: ${known.join(', ') || 'none on this host'}`,
  );
}
