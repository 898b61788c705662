// Proves, with a real server, separate worker processes and a store replicated over two folders and a bucket: data from a bucket, a
// replica that is away for a whole experiment, garbage collected beside it, drift since the experiment before told with a picture, and a
// store that its scheduled maintenance makes whole again.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { findRecord } from '../../src/cli/session';
import { maintainOnce, scheduleMaintenance } from '../../src/client';
import { type Result, ids, refNames } from '../../src/contract';
import { collectGarbage, s3Client } from '../../src/store';
import { makeBucket, type S3Server, startS3, stopServers } from '../store/servers';
import { Cluster, until } from './cluster';
import { writeTable } from './table';

const trainer = join(__dirname, 'trainers', 'trainer.py');

let folder: string;
let server: S3Server;
let bucket: string;
let cluster: Cluster;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'assay-data-'));
  server = await startS3(join(folder, 's3'));
  bucket = await makeBucket();
  const replicas = ['a', 'b'].map((name) => pathToFileURL(join(folder, name)).href);
  cluster = await Cluster.start({ hosts: ['host-a'], slots: 2, store: [...replicas, `s3://${bucket}/store`].join(',') });
}, 120_000);

afterAll(async () => {
  await cluster.stop();
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

describe('data and their store', () => {
  let first: Result;
  let second: Result;
  let secondId: string;

  it('come from a bucket, by version, into a snapshot', async () => {
    writeTable(join(folder, 'rows.csv'));
    await s3Client().send(new PutObjectCommand({ Bucket: bucket, Key: 'in/rows.csv', Body: readFileSync(join(folder, 'rows.csv')) }));
    const id = await cluster.submit(spec(`s3://${bucket}/in/rows.csv`), folder);
    ({ result: first } = await cluster.result(id));
    expect(first.variants.flatMap(({ runs }) => runs.map(({ status }) => status))).toEqual(['done', 'done']);
    expect(first.checks.filter(({ gate, status }) => gate && status !== 'pass')).toEqual([]);
    const record = await cluster.store.refs.get(refNames.snapshot(first.snapshot.digest));
    expect(record?.value).toMatchObject({ source: `s3://${bucket}/in/rows.csv`, origin: { kind: 's3', bucket }, files: 1, format: 'csv' });
  }, 240_000);

  it('may lose a replica for the whole of an experiment, with garbage collected beside it', async () => {
    await server.kill();
    writeTable(join(folder, 'rows.csv'), 1.5);
    secondId = await cluster.submit(spec('rows.csv', { pause: 0.15 }), folder);
    await until(async () => (await cluster.progress(secondId)).stage === 'training', 120_000);
    const { away, missing } = await collectGarbage(cluster.store, { graceMilliseconds: 3_600_000 });
    expect([away, missing]).toEqual([[`s3://${bucket}/store`], []]);
    ({ result: second } = await cluster.result(secondId));
    expect(second.variants.flatMap(({ runs }) => runs.map(({ status }) => status))).toEqual(['done', 'done']);
    expect((await findRecord(cluster.store, secondId)).status).toBe('done');
    expect(await cluster.store.refs.get(refNames.pins(secondId))).toBeNull();
  }, 300_000);

  it('are told to have moved since the experiment before, by how much and where, with a picture', async () => {
    const drift = second.checks.find(({ name }) => name === 'drift');
    expect(drift).toMatchObject({ status: 'warn', gate: false });
    const [x] = (drift?.findings ?? []).filter(({ alarm }) => alarm);
    expect(x).toMatchObject({ column: 'x', what: 'distribution', test: 'ks' });
    expect(x?.effect.value).toBeGreaterThan(0.3);
    expect(x?.where?.rows).toHaveLength(5);
    expect(drift?.findings?.filter(({ alarm, column }) => alarm && column === 'y')).toEqual([]);
    const record = await findRecord(cluster.store, secondId);
    if (record.report === null) throw new Error('no report');
    const page = (await cluster.store.get(record.report)).toString('utf8');
    expect(page).toContain('What moved');
    expect(page).toContain('x: share of the rows, before and now');
  });

  it('are whole again in every replica after maintenance, and nothing that a name reaches is gone', async () => {
    server = await startS3(join(folder, 's3'), server.port);
    // It may run on another server with the same store: this one cannot tell that it is over.
    const elsewhere = refNames.pins('experiment-of-another-server');
    await cluster.store.refs.set(elsewhere, { schema: 'assay.pins/1', refs: [] }, null);
    const { scrub, gc } = await maintainOnce(cluster.client, { graceSeconds: 3600 });
    expect(await cluster.store.refs.get(elsewhere)).not.toBeNull();
    expect(scrub.lost).toEqual([]);
    expect(scrub.repaired).toBeGreaterThan(0);
    expect(gc.deleted).toBe(0);
    for (const digest of [second.snapshot.digest, first.snapshot.digest, second.variants[0]?.runs[0]?.artifacts.predictions?.digest ?? ''])
      expect((await cluster.store.verify(digest)).replicas.map(({ state }) => state)).toEqual(['sound', 'sound', 'sound']);
  }, 240_000);

  it('lose only what nothing reaches, also while an experiment runs', async () => {
    const orphan = await cluster.store.put('nobody names this', 'text/plain');
    // Without a grace only what is pinned is safe, so both trainers are to be in their middle, where nothing is stored.
    const id = await cluster.submit(spec('rows.csv', { pause: 0.5 }, { pause: 0.5 }), folder);
    await until(async () => {
      const { runs } = await cluster.progress(id);
      return runs.length === 2 && runs.every(({ state }) => state === 'training');
    }, 120_000);
    for (let round = 0; round < 3; round++) await collectGarbage(cluster.store, { graceMilliseconds: 0, leastGraceMilliseconds: 0 });
    expect(await cluster.store.has(orphan)).toBe(false);
    const { result } = await cluster.result(id);
    expect(result.variants.flatMap(({ runs }) => runs.map(({ status }) => status))).toEqual(['done', 'done']);
    for (const run of result.variants.flatMap(({ runs }) => runs))
      for (const ref of Object.values(run.artifacts)) if (ref !== null) expect((await cluster.store.get(ref)).length).toBe(ref.size);
  }, 300_000);

  it('have their maintenance on a schedule that is made, changed and removed', async () => {
    expect(await scheduleMaintenance(cluster.client, 3600, { graceSeconds: 7200 })).toBe(false);
    expect(await scheduleMaintenance(cluster.client, 7200, { graceSeconds: 7200 })).toBe(true);
    const schedule = await cluster.client.schedule.getHandle(ids.maintain).describe();
    expect(schedule.spec.intervals?.[0]?.every).toBe(7200 * 1000);
    await cluster.client.schedule.getHandle(ids.maintain).trigger();
    await until(async () => {
      const { status } = await cluster.client.workflow.getHandle(ids.maintain).describe();
      return status.name === 'COMPLETED';
    }, 120_000);
    expect(await scheduleMaintenance(cluster.client, null, { graceSeconds: 7200 })).toBe(true);
    expect(await scheduleMaintenance(cluster.client, null, { graceSeconds: 7200 })).toBe(false);
  }, 240_000);
});

function spec(source: string, candidate: Record<string, unknown> = {}, control: Record<string, unknown> = {}): string {
  return JSON.stringify({
    name: 'data',
    data: { source, label: 'label', id: 'id' },
    training: { command: ['python', trainer], seeds: [1], budget: { steps: 20 } },
    variants: [
      { name: 'control', control: true, params: { noise: 0.5, ...control } },
      { name: 'candidate', params: { noise: 0, ...candidate } },
    ],
    varies: ['noise', ...Object.keys(candidate).filter((key) => candidate[key] !== control[key])],
    evaluation: { metrics: ['accuracy'] },
    analysis: { resamples: 1000 },
  });
}
