// Proves: a byte that changes in any object of an experiment, an object cut short or gone, a record put together from two, and a forged
// report are found and named, in one folder, over replicas, and in a bucket; what a replica has damaged is told, and then mended.
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { version } from '../../src/cli/version';
import { type ExperimentRecord, mediaTypes, refNames, type Result } from '../../src/contract';
import { verifyExperiment, type VerifyReport } from '../../src/publish/contents';
import { renderReport } from '../../src/report';
import { openStore, type Store } from '../../src/store';
import { flipBit, objectPath, removeTemporaryFolders, temporaryFolder } from '../store/helpers';
import { makeBucket, startS3, stopServers } from '../store/servers';
import { type Desk, desk } from './assay';
import { experimentId, finishedExperiment } from './finished';

let folder: string;
/** A store of one folder with the experiment; each test takes a copy. */
let original: string;
let record: ExperimentRecord;
let at: Desk;

beforeAll(async () => {
  folder = temporaryFolder();
  original = join(folder, 'store');
  record = await finishedExperiment(openStore(`file://${original}`), join(folder, 'work'));
  at = desk();
}, 60_000);

afterAll(async () => {
  await stopServers();
  at.remove();
  removeTemporaryFolders();
});

const copy = (): string => {
  const root = join(temporaryFolder(), 'store');
  cpSync(original, root, { recursive: true });
  return root;
};

/** Every file that holds objects: those of their own, and packs. */
const objectFiles = (root: string): string[] =>
  ['objects', 'packs'].flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );

/** What is rendered is told apart: the report needs a second. */
async function check(url: string, more: Partial<Parameters<typeof verifyExperiment>[1]> = {}, of = record): Promise<VerifyReport> {
  const store = openStore(url, { repair: false });
  return await verifyExperiment(of, {
    store,
    mending: null,
    expect: null,
    recompute: null,
    version: 'another',
    render: async () => '',
    ...more,
  });
}

const atFile = (path: string): ((problem: VerifyReport['problems'][number]) => boolean) => {
  const digest = /objects\/(..)\/([0-9a-f]{62})$/.exec(path);
  return (problem) => (digest === null ? problem.detail.includes('pack') : problem.digest === `sha256:${digest[1]}${digest[2]}`);
};

describe('a store of one folder', () => {
  it('is sound, and names what was hashed', async () => {
    const report = await check(`file://${original}`, {
      version,
      render: async () => (await openStore(`file://${original}`).get(record.report as never)).toString(),
    });
    expect(report).toMatchObject({ ok: true, problems: [], notes: [], listed: true, signature: record.result?.digest });
    const names = report.groups.map(({ name }) => name);
    expect(names).toEqual(['record', 'code', 'snapshot', 'checks', 'profiles', 'runs/narrow', 'runs/wide', 'latency', 'kept']);
    // Three runs, each with its record, its folders and their files, and what it wrote; what is the same in two counts once.
    expect(report.groups.find(({ name }) => name === 'runs/wide')?.objects).toBeGreaterThan(3 * 10);
  });

  it('has each object that is flipped by one byte found and named, wherever in it the byte is', async () => {
    const root = copy();
    const files = objectFiles(root);
    expect(files.length).toBeGreaterThan(70);
    for (const path of files) {
      const { size } = statSync(path);
      if (size === 0) continue;
      // Of a pack with more than one member also the others, its index and its end.
      const places = path.includes('/packs/') ? [0, Math.floor(size / 3), size - 80, size - 10] : [Math.floor(size / 2)];
      for (const place of places) {
        flipBit(path, place);
        const report = await check(`file://${root}`);
        flipBit(path, place);
        expect([path, place, report.ok]).toEqual([path, place, false]);
        expect(report.problems.filter(atFile(path)).map(({ state }) => state)).toContain('damaged');
      }
    }
    expect((await check(`file://${root}`)).ok).toBe(true);
  }, 60_000);

  it('has each kind of object found that is cut short or gone', async () => {
    const contents = (await openStore(`file://${original}`).getJson<Result>(record.result as never)).contents ?? [];
    const pick = (pattern: RegExp) => contents.find(({ name }) => pattern.test(name)) as (typeof contents)[number];
    const patterns = [
      /^spec\.json$/,
      /^provenance\.json$/,
      /git\.diff$/,
      /^code$/,
      /^snapshot$/,
      /^snapshot\/data\//,
      /^snapshot\/test\.jsonl$/,
      /slices/,
    ];
    const ofRuns = [
      /record\.json$/,
      /predictions$/,
      /scores\.npy$/,
      /events\.jsonl$/,
      /log\.txt$/,
      /telemetry/,
      /model\//,
      /checkpoints\/.*bin$/,
      /^latency/,
      /^profiles/,
    ];
    for (const pattern of [...patterns, ...ofRuns]) {
      const { name, digest } = pick(pattern);
      for (const [state, harm] of [
        ['damaged', (path: string) => truncateSync(path, statSync(path).size >> 1)],
        ['missing', (path: string) => rmSync(path)],
      ] as const) {
        const path = objectPath(original, { digest });
        const before = readFileSync(path);
        harm(path);
        const report = await check(`file://${original}`).finally(() => writeFileSync(path, before));
        expect(report.problems.filter((problem) => problem.digest === digest)).toMatchObject([
          { state, name: expect.stringMatching(pattern) as string, mended: null },
        ]);
        expect([name, report.ok]).toEqual([name, false]);
      }
    }
  }, 30_000);

  it('has a report found that is not the rendering of its result', async () => {
    const root = copy();
    const store = openStore(`file://${root}`);
    const forged = { ...record, report: await store.put('<p>The wide one is perfect.</p>', mediaTypes.html) };
    const html = (await store.get(record.report as never)).toString();
    const report = await check(`file://${root}`, { version, render: async () => html }, forged);
    expect(report.problems).toMatchObject([{ state: 'disagrees', name: 'report.html' }]);
    expect((await check(`file://${root}`, { version: 'another' }, forged)).notes).toMatchObject([
      expect.stringMatching(/not rendered again.*another/),
    ]);
  });

  it('has a result found that was changed and stored again, in each of the places that tell another thing', async () => {
    const root = copy();
    const store = openStore(`file://${root}`);
    const result = await store.getJson<Result>(record.result as never);
    const stored = async (change: Partial<Result>): Promise<ExperimentRecord> => ({
      ...record,
      result: await store.putJson({ ...result, ...change }),
    });
    const told = async (change: Partial<Result>, expect: string | null = null) =>
      (await check(`file://${root}`, { expect }, await stored(change))).problems.map(({ state, name }) => `${state} ${name}`);
    expect(await told({ verdict: { ...result.verdict, outcome: 'keep' } })).toEqual(['disagrees verdict']);
    expect(await told({ snapshot: { ...result.snapshot, digest: result.snapshot.record } })).toEqual(['disagrees snapshot/data']);
    expect(await told({ provenance: { ...result.provenance, user: 'somebody' } })).toEqual(['disagrees provenance.json']);
    // A number alone is told by nothing but the digest that was kept elsewhere.
    expect(await told({ name: 'flowers', finishedAt: '2030-01-01' })).toEqual([]);
    expect(await told({ finishedAt: '2030-01-01' }, record.result?.digest)).toEqual(['disagrees result.json']);
    const listed = (result.contents ?? []).filter(({ name }) => !name.endsWith('seed-2/log.txt'));
    expect(await told({ contents: listed })).toEqual(
      expect.arrayContaining(['unlisted result.json/variants/0/runs/1/artifacts/log', 'disagrees runs/wide/seed-2/log.txt']),
    );
  });

  it('of an earlier version is verified as far as its references go, and says so', async () => {
    const root = copy();
    const store = openStore(`file://${root}`);
    const { contents: _, ...result } = await store.getJson<Result>(record.result as never);
    const { kept: __, code: ___, ...old } = record;
    const before = { ...old, result: await store.putJson(result) };
    const report = await check(`file://${root}`, {}, before);
    expect(report).toMatchObject({ ok: true, listed: false, problems: [] });
    expect(report.notes[0]).toMatch(/earlier version and does not list/);
    const scores = result.variants[0]?.runs[0]?.artifacts.predictions?.digest ?? '';
    const [file] = (await store.getJson<{ files: { path: string; digest: string }[] }>({ digest: scores })).files;
    flipBit(objectPath(root, file as { digest: string }), 90);
    expect((await check(`file://${root}`, {}, before)).problems).toMatchObject([{ state: 'damaged', digest: file?.digest }]);
  });

  it('of an experiment that failed has what its record names hashed', async () => {
    const failed: ExperimentRecord = { ...record, status: 'failed', message: 'no trainer', result: null, report: null, verdict: null };
    const report = await check(`file://${original}`, {}, failed);
    expect(report).toMatchObject({
      ok: true,
      signature: null,
      notes: [expect.stringMatching(/no result, since it is failed \(no trainer\)/)],
    });
  });
});

describe('the command', () => {
  it('ends with 0 and the digest that signs all of it, and renders the report again', async () => {
    const { code, out, err } = await at.run(['verify', 'flowers'], { ASSAY_STORE: `file://${original}` });
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^ok {2}runs\/wide +\d+ objects/m);
    expect(out).toContain(`${record.result?.digest} signs all of it`);
    expect(out).not.toContain('note');
  });

  it('compares with a digest that was kept elsewhere', async () => {
    const env = { ASSAY_STORE: `file://${original}` };
    expect(await at.run(['verify', experimentId, '--expect', record.result?.digest ?? ''], env)).toMatchObject({
      code: 0,
      out: expect.stringContaining('as expected') as string,
    });
    const other = await at.run(['verify', experimentId, '--expect', `sha256:${'0'.repeat(64)}`], env);
    expect(other).toMatchObject({ code: 3, out: expect.stringMatching(/disagrees.* result\.json/) as string });
    expect(await at.run(['verify', experimentId, '--expect', 'sha256:12'], env)).toMatchObject({ code: 2, out: '' });
  });

  it('computes every number again with --deep, and finds one that was made up', async () => {
    expect(await at.run(['verify', experimentId, '--deep'], { ASSAY_STORE: `file://${original}` })).toMatchObject({ code: 0, err: '' });
    const root = copy();
    const store = openStore(`file://${root}`);
    const result = await store.getJson<Result>(record.result as never);
    const [primary] = result.comparisons as [Result['comparisons'][number]];
    primary.low = (primary.low as number) + 0.01;
    const forged: ExperimentRecord = { ...record, result: await store.putJson(result) };
    forged.report = await store.put((await renderReport(result)).toString(), mediaTypes.html);
    await store.refs.update<ExperimentRecord>(refNames.experiment(experimentId), () => forged);
    const { code, out } = await at.run(['verify', experimentId, '--deep', '--json'], { ASSAY_STORE: `file://${root}` });
    expect(code).toBe(3);
    const disagreeing = (JSON.parse(out) as VerifyReport).problems.filter(({ name }) => name !== 'report.html');
    expect(disagreeing).toMatchObject([{ state: 'disagrees', name: `comparisons/wide/${primary.metric}/low` }]);
  }, 30_000);

  it('over three replicas tells what one has damaged or lost, leaves it with --no-repair, and mends it otherwise', async () => {
    const roots = [copy(), copy(), copy()];
    const env = { ASSAY_STORE: roots.map((root) => `file://${root}`).join(',') };
    // Names over several replicas are registers of their own.
    await openStore(env.ASSAY_STORE).refs.update<ExperimentRecord>(refNames.experiment(experimentId), (old) => old as ExperimentRecord);
    const store = openStore(`file://${original}`);
    const contents = (await store.getJson<Result>(record.result as never)).contents ?? [];
    const digestOf = (name: string): string => contents.find((one) => one.name === name)?.digest ?? '';
    const scores = digestOf('runs/wide/seed-1/predictions/scores.npy');
    flipBit(objectPath(roots[0] as string, { digest: scores }), 200);
    rmSync(objectPath(roots[1] as string, { digest: digestOf('snapshot') }));
    const pack = objectFiles(roots[2] as string).find((path) => path.includes('/packs/')) as string;
    // Two members of one pack: mending the pack for one must not hide the other.
    flipBit(pack, 1);
    flipBit(pack, 12);
    const run = async (...more: string[]) => {
      const ended = await at.run(['verify', experimentId, '--json', ...more], env);
      return { code: ended.code, report: JSON.parse(ended.out) as VerifyReport };
    };
    const left = await run('--no-repair');
    expect(left.code).toBe(3);
    expect(left.report.problems.map(({ name, state, mended }) => `${name.replace(/part\d/, 'part')} ${state} ${mended}`).sort()).toEqual([
      'code/part.py damaged false',
      'code/part.py damaged false',
      'runs/wide/seed-1/predictions/scores.npy damaged false',
      'snapshot missing false',
    ]);
    expect(left.report.problems.find(({ digest }) => digest === scores)?.detail).toContain(roots[0]);
    const mended = await run();
    expect(mended.code).toBe(0);
    expect(mended.report.problems.map((problem) => problem.mended)).toEqual([true, true, true, true]);
    expect(await run()).toMatchObject({ code: 0, report: { problems: [] } });
  }, 30_000);

  it('in a bucket finds an object that was changed there', async () => {
    const server = await startS3();
    const bucket = await makeBucket();
    const url = `s3://${bucket}/evidence`;
    const store: Store = openStore(url);
    const source = openStore(`file://${original}`);
    const putting: Promise<unknown>[] = [];
    for await (const { digest } of source.list()) putting.push(source.get({ digest }).then((bytes) => store.put(bytes, mediaTypes.bytes)));
    await Promise.all(putting);
    await store.refs.set(refNames.experiment(experimentId), record, null);
    const aws = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('AWS_')));
    const env = { ...aws, ASSAY_STORE: url };
    expect(await at.run(['verify', experimentId], env)).toMatchObject({ code: 0, err: '' });
    const { spec } = record;
    flipBit(objectPath(join(server.folder(bucket), 'evidence'), spec), 20);
    const { code, out } = await at.run(['verify', experimentId], env);
    expect(code).toBe(3);
    expect(out).toMatch(new RegExp(`damaged spec\\.json ${spec.digest}\\n.*s3://${bucket}/evidence/objects/`));
  }, 40_000);
});
