import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ColumnProfile, Provenance, SnapshotDiff, SnapshotRecord, TableProfile } from '../../contract';
// By file: a snapshot without changes takes less time than the rest of these rooms to load.
import { findSnapshot, listSnapshots } from '../../data/findSnapshot';
import { getSnapshot, removeSnapshot, snapshotData, verifySnapshot } from '../../data/snapshotRecord';
import { formatBytes, formatCount, formatNumber } from '../../report/formatters';
import { pc } from '../colours';
import { progressLine } from '../progressLine';
import { provenance } from '../provenance';
import { homeDir, sessionStore } from '../home';

interface Output {
  json?: boolean;
}

/** Takes a snapshot of data as they are; without changes since the last one it costs a look at each file. */
export async function create(source: string, options: Output & { name?: string; fresh?: boolean }): Promise<void> {
  const store = sessionStore();
  const line = progressLine('storing');
  const root = process.cwd();
  const python = source.startsWith('builtin:')
    ? await (await import('../../stack/index.js')).trainerPython().catch(() => undefined)
    : undefined;
  try {
    const { digest, record, created } = await snapshotData({
      source,
      root,
      store,
      workDir: join(homeDir(), 'cache', 'sources'),
      indexDir: options.fresh === true ? undefined : join(homeDir(), 'cache', 'index'),
      provenance: await store.putJson(await provenance({ store, root, spec: '', source })),
      onProgress: (done) => line.show(done),
      ...(python === undefined ? {} : { python }),
      ...(options.name === undefined ? {} : { name: options.name }),
    });
    line.end();
    if (options.json) return print({ digest, created, ...record });
    process.stderr.write(
      `${created ? 'stored' : 'unchanged'}: ${files(record.files)}, ${formatBytes(record.bytes)}${options.name ? `, named ${options.name}` : ''}\n`,
    );
    process.stdout.write(`${digest}\n`);
  } finally {
    line.end();
  }
}

export async function list(options: Output): Promise<void> {
  const store = sessionStore();
  const found = await listSnapshots(store);
  if (options.json) return print(found);
  if (found.length === 0) process.stdout.write(`no snapshots in ${store.url} yet; take one with \`assay snapshot create SOURCE\`\n`);
  for (const { digest, names, record } of found) {
    const facts = [record.createdAt.slice(0, 16).replace('T', ' '), files(record.files), formatBytes(record.bytes)];
    process.stdout.write(
      `${short(digest)}  ${facts.join('  ')}  ${record.source}${names.length > 0 ? pc.bold(`  ${names.join(', ')}`) : ''}\n`,
    );
  }
}

export async function show(which: string, options: Output & { format?: 'text' | 'openlineage' | 'mlflow' }): Promise<void> {
  const store = sessionStore();
  const { digest, record, names } = await findSnapshot(store, which);
  const profile = record.profile === null ? null : await store.getJson<TableProfile>(record.profile);
  const origin = record.provenance === null ? null : await store.getJson<Provenance>(record.provenance);
  const published = { digest, record, profile, provenance: origin, store: store.url };
  if (options.format !== undefined && options.format !== 'text') {
    const { mlflowDataset, openLineageDataset } = await import('../../publish/index.js');
    return print((options.format === 'mlflow' ? mlflowDataset : openLineageDataset)(published));
  }
  if (options.json) return print({ digest, names, ...record, profile, provenance: origin });
  process.stdout.write(`${pc.bold(digest)}${names.length > 0 ? `  ${names.join(', ')}` : ''}\n`);
  process.stdout.write(
    `${record.source}  ${record.format ?? 'files'}  ${files(record.files)}, ${formatBytes(record.bytes)}  taken ${record.createdAt}\n`,
  );
  for (const fact of originLines(record, origin)) process.stdout.write(`${fact}\n`);
  if (profile) process.stdout.write(`${formatCount(profile.rows)} rows\n${profile.columns.map(columnLine).join('')}`);
}

/** Every object of the snapshot, hashed again in every replica. Returns the exit code. */
export async function verify(which: string, options: Output): Promise<number> {
  const store = sessionStore();
  const { digest } = await findSnapshot(store, which);
  const line = progressLine('hashing');
  const found = await verifySnapshot(store, digest, (done) => line.show(done)).finally(() => line.end());
  if (options.json) print({ digest, ...found });
  else {
    for (const problem of found.problems) process.stdout.write(`${pc.red('damaged')} ${problem}\n`);
    process.stdout.write(
      found.problems.length === 0
        ? `${digest}: ${files(found.files)}, ${formatBytes(found.bytes)}, all as they were stored\n`
        : `${found.problems.length} of ${files(found.files)} are damaged or missing; \`assay store scrub\` repairs what another replica has\n`,
    );
  }
  return found.problems.length === 0 ? 0 : 3;
}

export async function diff(from: string, to: string, options: Output & { id?: string }): Promise<void> {
  const store = sessionStore();
  const [a, b] = [await findSnapshot(store, from), await findSnapshot(store, to)];
  const workDir = await mkdtemp(join(tmpdir(), 'assay-diff-'));
  try {
    const { diffSnapshots } = await import('../../data/index.js');
    const found = await diffSnapshots(store, a.digest, b.digest, { workDir, ...(options.id === undefined ? {} : { id: options.id }) });
    if (options.json) print(found);
    else process.stdout.write(diffText(found));
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}

export async function get(which: string, options: { output: string }): Promise<void> {
  const store = sessionStore();
  const { digest, record } = await findSnapshot(store, which);
  const target = resolve(options.output);
  await getSnapshot(store, digest, target);
  process.stderr.write(`${files(record.files)}, ${formatBytes(record.bytes)}\n`);
  process.stdout.write(`${target}\n`);
}

/** Takes the name away; the data go with the next garbage collection that finds nothing else that needs them. */
export async function remove(which: string): Promise<void> {
  const removed = await removeSnapshot(sessionStore(), which);
  process.stdout.write(`${removed} is no longer named; \`assay store gc\` frees its space\n`);
}

function originLines(record: SnapshotRecord, origin: Provenance | null): string[] {
  const from = record.origin;
  const lines: string[] = [];
  if (from.kind === 's3') lines.push(`from s3://${from.bucket}/${from.prefix}, versions recorded`);
  if (from.kind === 'dvc') lines.push(`from DVC: ${from.file}, md5 ${from.md5}${from.rev === null ? '' : `, at ${from.rev.slice(0, 12)}`}`);
  if (origin) {
    const { commit, dirty } = origin.git;
    const code =
      commit === null ? 'outside a Git repository' : `at ${commit.slice(0, 12)}${dirty ? ' with uncommitted changes, kept' : ''}`;
    lines.push(`by ${origin.user ?? 'an unnamed user'} on ${origin.host}, ${code}: ${origin.command.join(' ')}`);
  }
  return lines;
}

function columnLine(column: ColumnProfile): string {
  const { name, kind, missing, distinct, min, max, mean, counts } = column;
  const time = (value: number | undefined): string => (value === undefined ? '–' : new Date(value).toISOString().slice(0, 19));
  const top = Object.entries(counts ?? {}).sort((a, b) => b[1] - a[1]);
  const values =
    kind === 'number'
      ? `${formatNumber(min)} to ${formatNumber(max)}, mean ${formatNumber(mean)}`
      : kind === 'time'
        ? `${time(min)} to ${time(max)}`
        : top
            .slice(0, 4)
            .map(([value, count]) => `${value} (${formatCount(count)})`)
            .join(', ');
  return `  ${name.padEnd(20)} ${kind.padEnd(8)} ${missing > 0 ? pc.yellow(`${formatCount(missing)} missing  `) : ''}${formatCount(distinct)} distinct  ${values}\n`;
}

function diffText({ files, rows, schema }: SnapshotDiff): string {
  const lines: string[] = [];
  const told = (what: string, sign: string, names: string[]): void => {
    for (const name of names.slice(0, 20)) lines.push(`${sign} ${what} ${name}`);
    if (names.length > 20) lines.push(`${sign} and ${names.length - 20} more ${what}s`);
  };
  told('file', '+', files.added);
  told('file', '-', files.removed);
  told('file', '~', files.changed);
  told('column', '+', schema.added);
  told('column', '-', schema.removed);
  told(
    'column',
    '~',
    schema.changed.map(({ column, from, to }) => `${column}: ${from} -> ${to}`),
  );
  if (rows) {
    told('row', '+', rows.examples.added);
    told('row', '-', rows.examples.removed);
    told('row', '~', rows.examples.changed);
    const counts = [`${formatCount(rows.added)} added`, `${formatCount(rows.removed)} removed`, `${formatCount(rows.changed)} changed`];
    lines.push(`rows: ${counts.join(', ')}, ${formatCount(rows.unchanged)} unchanged`);
  }
  lines.push(
    `files: ${files.added.length} added, ${files.removed.length} removed, ${files.changed.length} changed, ${formatCount(files.unchanged)} unchanged`,
  );
  return `${lines.join('\n')}\n`;
}

const files = (count: number): string => `${formatCount(count)} ${count === 1 ? 'file' : 'files'}`;

const short = (digest: string): string => digest.slice(0, 'sha256:'.length + 12);

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
