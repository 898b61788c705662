import { AssayError } from '../../contract';
import { seconds } from '../../contract/specValues';
import { formatters, gcSentence, scrubSentence } from '../../report';
import { collectGarbage, scrub, storeStats } from '../../store';
import { pc } from '../colours';
import { progressLine } from '../progressLine';
import { sessionStore } from '../home';

const { formatBytes, formatCount } = formatters;

interface Output {
  json?: boolean;
}

export async function stats(options: Output): Promise<void> {
  const found = await storeStats(sessionStore());
  if (options.json) return print(found);
  process.stdout.write(
    `${found.url}\n${formatCount(found.objects + found.packs)} objects (${formatCount(found.packed)} small ones in ${formatCount(found.packs)} ${found.packs === 1 ? 'pack' : 'packs'}), ${formatBytes(found.bytes)}, ${formatCount(found.names)} names${found.marked > 0 ? `, ${formatCount(found.marked)} marked by gc` : ''}\n`,
  );
  if (found.replicas.length > 1)
    for (const { url, objects, packs, bytes } of found.replicas)
      process.stdout.write(
        objects === null
          ? `  ${pc.red('away')} ${url}\n`
          : `  ${url}  ${formatCount(objects + (packs ?? 0))} objects, ${formatBytes(bytes)}\n`,
      );
}

/** Hashes one object, or all of them; changes nothing. Returns the exit code. */
export async function verify(digest: string | undefined, options: Output): Promise<number> {
  if (digest === undefined) return scrubbed(false, options);
  const found = await sessionStore().verify(digest);
  if (options.json) print(found);
  else
    for (const { url, state, detail } of found.replicas)
      process.stdout.write(`${state === 'sound' ? pc.green(state) : pc.red(state)} ${url}${detail === '' ? '' : `: ${detail}`}\n`);
  return found.replicas.every(({ state }) => state === 'sound') ? 0 : 3;
}

/** Hashes everything and repairs what a sound replica can make good. Returns the exit code. */
export const scrubAll = (options: Output): Promise<number> => scrubbed(true, options);

async function scrubbed(repair: boolean, options: Output): Promise<number> {
  const line = progressLine('hashing');
  const report = await scrub(sessionStore(), { repair, onProgress: ({ objects, bytes }) => line.show({ files: objects, bytes }) }).finally(
    () => line.end(),
  );
  const broken = [...report.damaged, ...report.missing];
  if (options.json) print(report);
  else {
    for (const { digest, names } of broken)
      process.stdout.write(`${pc.red('lost')} ${digest}${names.length > 0 ? ` (${names.slice(0, 3).join(', ')})` : ''}\n`);
    for (const { key, reason } of report.names.damaged) process.stdout.write(`${pc.red('lost')} ${key}: ${reason}\n`);
    for (const { key, url, was } of report.repairable) process.stdout.write(`${pc.yellow(was)} ${key} in ${url}\n`);
    process.stdout.write(`${scrubSentence(report)}\n`);
  }
  return broken.length + report.names.damaged.length + report.repairable.length + report.away.length === 0 ? 0 : 3;
}

export async function gc(options: Output & { grace: string; dryRun?: boolean }): Promise<void> {
  const graceMilliseconds = duration('--grace', options.grace) * 1000;
  const report = await collectGarbage(sessionStore(), { graceMilliseconds, dryRun: options.dryRun === true });
  if (options.json) return print(report);
  for (const { digest, bytes, act } of report.would) process.stdout.write(`${act.padEnd(6)} ${digest}  ${formatBytes(bytes)}\n`);
  for (const { digest, name } of report.missing) process.stdout.write(`${pc.red('missing')} ${digest} (${name})\n`);
  process.stdout.write(`${gcSentence(report)}\n`);
}

/** Scrub and gc as a workflow, which goes on without this command; with `every` on a schedule. */
export async function maintain(options: Output & { every?: string; grace: string }): Promise<void> {
  const input = { graceSeconds: duration('--grace', options.grace) };
  if (input.graceSeconds < 3600)
    throw new AssayError('SpecInvalid', `--grace ${options.grace}: at least 1h, so that what has no name yet is kept`);
  const every = options.every === undefined || options.every === 'off' ? null : duration('--every', options.every);
  const [{ maintainOnce, scheduleMaintenance }, { openSession }] = await Promise.all([
    import('../../client/index.js'),
    import('../session.js'),
  ]);
  const { client } = await openSession((line) => void process.stderr.write(`${line}\n`));
  try {
    if (options.every === undefined) {
      const done = await maintainOnce(client, input);
      if (options.json) return print(done);
      process.stdout.write(`${done.scrub.sentence}\n${done.gc.sentence}\n`);
      return;
    }
    const known = await scheduleMaintenance(client, every, input);
    if (options.json) return print({ every: options.every, before: known });
    const now =
      every === null ? (known ? 'the schedule is removed' : 'there was no schedule') : `the store is maintained every ${options.every}`;
    process.stdout.write(`${now}\n`);
  } finally {
    await client.connection.close();
  }
}

function duration(flag: string, text: string): number {
  if (!/^\d+(?:\.\d+)?\s*(?:s|m|h|d)$/.test(text))
    throw new AssayError('SpecInvalid', `${flag} ${text}: expected a duration such as 12h or 7d`);
  return seconds(text);
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
