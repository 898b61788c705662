import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { verifyExperiment, verifyFolder, type VerifyReport } from '../../publish/contents';
import { openStore } from '../../store';
import { exitCodes } from '../exitCode';
import { sessionStore, storeUrl } from '../home';
import { progressLine } from '../progressLine';
import { findRecord } from '../session';
import { version } from '../version';
import { verifyText } from './text';

/** Returns the exit code. */
export async function verify(what: string, options: { expect?: string; repair: boolean; deep?: boolean; json?: boolean }): Promise<number> {
  const line = progressLine('hashing');
  const shared = { expect: options.expect ?? null, onProgress: line.show };
  const checked = isFolder(what) ? verifyFolder(resolve(what), shared) : verifyStored(what, options, shared);
  const report = await checked.finally(() => line.end());
  process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : verifyText(report));
  return report.ok ? exitCodes.finished : exitCodes.failed;
}

/** A name of an experiment is no path, unless a folder of that name has been exported here. */
const isFolder = (what: string): boolean =>
  what.includes('/') || (existsSync(what) && statSync(what).isDirectory() && existsSync(join(what, 'manifest.json')));

async function verifyStored(
  id: string,
  { repair, deep }: { repair: boolean; deep?: boolean },
  shared: Pick<Parameters<typeof verifyExperiment>[1], 'expect' | 'onProgress'>,
): Promise<VerifyReport> {
  const store = openStore(storeUrl(), { repair: false });
  const record = await findRecord(store, id);
  return await verifyExperiment(record, {
    ...shared,
    store,
    // Of one place there is nothing to mend from.
    mending: repair && store.replicas.length > 1 ? sessionStore() : null,
    version,
    recompute: deep === true ? async (result) => (await import('./recompute.js')).recomputed(store, record, result) : null,
    render: async (result, measurements) =>
      (await import('../../activities/reportOf.js')).reportOf(store, result, { host: '', model: '', measurements }),
  });
}
