// Proves: an export is whole or not there, has the files that docs/export.md names, is read by the lines of that page and by the notebook, is taken
// by `assay compare`, and a byte that changes in it is found.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExperimentRecord, Result } from '../../src/contract';
import { readNpy } from '../../src/contract/npy';
import { type ExportManifest, verifyFolder } from '../../src/publish/contents';
import { openStore, type Store } from '../../src/store';
import { flipBit, removeTemporaryFolders, temporaryFolder } from '../store/helpers';
import { type Desk, desk } from './assay';
import { experimentId, finishedExperiment } from './finished';

const root = join(__dirname, '..', '..');
const assay = join(root, 'bin', 'assay');
const page = readFileSync(join(root, 'docs', 'export.md'), 'utf8');

let at: Desk;
let env: NodeJS.ProcessEnv;
let store: Store;
let record: ExperimentRecord;
let result: Result;
/** One with everything; tests that change it take a copy. */
let whole: string;

beforeAll(async () => {
  at = desk();
  const place = join(at.folder, 'store');
  store = openStore(`file://${place}`);
  record = await finishedExperiment(store, join(at.folder, 'work'));
  result = await store.getJson<Result>(record.result as NonNullable<ExperimentRecord['result']>);
  env = { ASSAY_STORE: `file://${place}` };
  whole = join(at.folder, 'whole');
  const { code, out, err } = await at.run(['export', 'flowers', '-o', 'whole', '--models'], env);
  expect([code, out]).toEqual([0, `${whole}\n`]);
  expect(err).toMatch(/^\d+ files, .* sha256:/);
}, 60_000);

afterAll(() => {
  at.remove();
  removeTemporaryFolders();
});

const copy = (): string => {
  const folder = join(temporaryFolder(), 'export');
  cpSync(whole, folder, { recursive: true });
  return folder;
};

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

describe('what is in it', () => {
  it('is every file of docs/export.md, and the manifest names all of them', () => {
    const files = filesBelow(whole);
    const manifest = JSON.parse(readFileSync(join(whole, 'manifest.json'), 'utf8')) as ExportManifest;
    expect(manifest).toMatchObject({ schema: 'assay.export/1', experiment: experimentId, result: record.result?.digest });
    expect(['manifest.json', ...manifest.files.map(({ path }) => path)].sort()).toEqual(files);
    const named = [...page.matchAll(/^\| (`[^|]+) \| (?:always|`\w+`) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
    );
    expect(named.length).toBeGreaterThan(20);
    // "`events.jsonl`, `log.txt`": the folder stands with the first alone.
    const pattern = (name: string): RegExp =>
      new RegExp(
        `(^|/)${name.replaceAll('.', '\\.').replaceAll('*', '[^/]+').replace('VARIANT', '(narrow|wide)').replace('seed-N', 'seed-[123]')}`,
      );
    for (const name of named) expect([name, files.some((file) => pattern(name).test(file))]).toEqual([name, true]);
  });

  it('is the stored objects byte by byte under the names that the result lists', () => {
    const manifest = JSON.parse(readFileSync(join(whole, 'manifest.json'), 'utf8')) as ExportManifest;
    const listed = new Map((result.contents ?? []).map(({ name, digest }) => [name, digest]));
    const stored = manifest.files.filter(({ path }) => listed.has(path));
    for (const { path, digest } of stored) expect([path, digest]).toEqual([path, listed.get(path)]);
    for (const part of [
      'code/part3.py',
      'runs/wide/seed-2/model/model.bin',
      'runs/wide/seed-2/log.txt',
      'snapshot/test.jsonl',
      'latency/wide.jsonl',
      'provenance/git.diff',
    ])
      expect(stored.map(({ path }) => path)).toContain(part);
  });

  it('is the result, its model card with intervals and without an empty section, and the versions of the runs', () => {
    expect(JSON.parse(readFileSync(join(whole, 'result.json'), 'utf8'))).toEqual(result);
    const card = readFileSync(join(whole, 'MODEL_CARD.md'), 'utf8');
    expect(card).toMatch(/^# Model card: wide\n/);
    for (const title of [
      'Model details',
      'Intended use',
      'Metrics',
      'Evaluation data',
      'Training data',
      'Quantitative analyses',
      'How to reproduce',
    ])
      expect(card).toContain(`\n## ${title}\n`);
    expect(card).toMatch(/\| accuracy \| 9\d\.\d % \| \[\d+\.\d, \d+\.\d\] % \|/);
    expect(card).toContain('The question it was made for: The wide one is more accurate.');
    expect(card).toMatch(/\| tall \| \d+\.\d % \|/);
    expect(card).not.toMatch(/\n## [^\n]+\n\n(## |$)|undefined|NaN|TODO|TBD/);
    expect(readFileSync(join(whole, 'requirements.txt'), 'utf8')).toMatch(/# Python 3\.11\.7\nnumpy==2\.4\.1\nscikit-learn==1\.9\.0\n$/);
  });

  it('is what --only names and what is always there, as one document with --json', async () => {
    const done = await at.run(['export', 'flowers', '-o', 'few', '--only', 'tables,splits', '--json'], env);
    expect(JSON.parse(done.out)).toMatchObject({ schema: 'assay.exported/1', experiment: experimentId, result: record.result?.digest });
    const files = filesBelow(join(at.folder, 'few'));
    expect(files).toEqual(expect.arrayContaining(['README.md', 'result.json', 'snapshot/test.jsonl', 'tables/metrics.parquet']));
    expect(files.filter((file) => /predictions|report|model\/|events|telemetry|latency\/|code\//.test(file))).toEqual([]);
    expect((await verifyFolder(join(at.folder, 'few'), { expect: null })).ok).toBe(true);
    const wrong = await at.run(['export', 'flowers', '-o', 'none', '--only', 'prediction'], env);
    expect(wrong).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/"prediction" is no part; expected report, predictions/) as string,
    });
    expect(existsSync(join(at.folder, 'none'))).toBe(false);
  });
});

describe('who reads it', () => {
  it('pandas, by the lines of docs/export.md, gets the accuracies of the result', async () => {
    const lines = block('python');
    expect(
      lines
        .trim()
        .split('\n')
        .filter((line) => line !== '').length,
    ).toBeLessThanOrEqual(10);
    const told = `${lines}\nimport json\nprint("@" + json.dumps({v: dict(zip(map(str, r.index), r)) for v, r in accuracy.iterrows()}))\n`;
    const { stdout } = await python(['-c', told]);
    const accuracies = JSON.parse(stdout.slice(stdout.indexOf('@') + 1)) as Record<string, Record<string, number>>;
    for (const { name, runs } of result.variants)
      for (const { seed, metrics } of runs) expect(accuracies[name]?.[seed]).toBeCloseTo(metrics['accuracy'] as number, 12);
    expect(readFileSync(join(whole, 'README.md'), 'utf8')).toContain(lines);
  }, 60_000);

  it('DuckDB, by the lines of docs/export.md, gets the same, and rows that differ', async () => {
    const lines = block('sql');
    expect(lines.trim().split('\n').length).toBeLessThanOrEqual(10);
    const script = `import duckdb, json
for statement in duckdb.extract_statements(${JSON.stringify(lines)}):
    print("@" + json.dumps(duckdb.execute(statement).fetchall(), default=str))`;
    const { stdout } = await python(['-c', script]);
    const [, accuracies = [], rows = [], comparisons = []] = stdout
      .split('\n')
      .filter((line) => line.startsWith('@'))
      .map((line) => JSON.parse(line.slice(1)) as unknown[][]);
    expect(accuracies).toEqual(
      result.variants.flatMap(({ name, runs }) =>
        runs.map(({ seed, metrics }) => [name, seed, expect.closeTo(metrics['accuracy'] as number, 12), result.snapshot.splits.test]),
      ),
    );
    expect(rows).toHaveLength(10);
    for (const [, , a, first, b, second] of rows) expect([a, b, first === second]).toEqual(['narrow', 'wide', false]);
    expect(comparisons).toEqual(
      result.comparisons.map(({ variant, metric, difference, low, high }) => [variant, metric, difference, low, high]),
    );
    expect(readFileSync(join(whole, 'README.md'), 'utf8')).toContain(lines);
  }, 60_000);

  it('the notebook, which is kept without outputs, computes the difference again and draws an interval around it', async () => {
    const path = join(root, 'examples', 'notebook', 'compare.ipynb');
    const notebook = JSON.parse(readFileSync(path, 'utf8')) as {
      cells: { cell_type: string; outputs?: unknown[]; execution_count?: number | null }[];
    };
    for (const cell of notebook.cells.filter(({ cell_type }) => cell_type === 'code'))
      expect(cell).toMatchObject({ outputs: [], execution_count: null });
    const script = `import nbformat
from nbclient import NotebookClient
notebook = nbformat.read(${JSON.stringify(path)}, as_version=4)
NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
for cell in notebook.cells:
    for output in cell.get("outputs", []):
        print(output.get("text") or " ".join(output.get("data", {})))`;
    const { stdout } = await python(['-c', script], { ASSAY_EXPORT: whole });
    const primary = result.comparisons.find(({ metric }) => metric === 'accuracy');
    const pp = (value: number | null | undefined): string => `${(value ?? 0) < 0 ? '-' : '+'}${Math.abs(100 * (value ?? 0)).toFixed(2)}`;
    expect(stdout).toContain(`wide minus narrow: ${pp(primary?.difference)} pp over ${result.snapshot.splits.test} rows and 3 seeds`);
    expect(stdout).toContain(`assay     ${pp(primary?.low)} to ${pp(primary?.high)} pp`);
    expect(stdout).toMatch(/bootstrap [+]\d+\.\d\d to [+]\d+\.\d\d pp/);
    expect(stdout).toContain('image/png');
  }, 90_000);

  it('assay compare, the arrays and the tables alike, finds the difference of the result', async () => {
    const primary = result.comparisons.find(({ metric }) => metric === 'accuracy');
    const folders = await at.json<Result>(['compare', 'whole/runs/narrow', 'whole/runs/wide', '--question', result.plan.question]);
    expect(folders.comparisons.find(({ metric }) => metric === 'accuracy')?.difference).toBeCloseTo(primary?.difference as number, 12);
    const run = (variant: string): string => `whole/runs/${variant}/seed-1`;
    const accuracy = async (...inputs: string[]): Promise<unknown> => {
      const { comparisons, variants } = await at.json<Result>(['compare', ...inputs, '--metric', 'accuracy,log_loss']);
      return [
        comparisons.map(({ metric, difference, low, high }) => ({ metric, difference, low, high })),
        variants.map(({ perClass }) => perClass.map((one) => one.support)),
      ];
    };
    const files = ['narrow', 'wide'].map((variant) => `${run(variant)}/predictions.parquet`);
    expect(await accuracy(...files)).toEqual(await accuracy(`${run('narrow')}/predictions`, `${run('wide')}/predictions`));
  }, 60_000);

  it('finds in the table what is in the arrays, row by row', async () => {
    const arrays = join(whole, 'runs', 'wide', 'seed-3', 'predictions');
    const [ids, scores] = ['ids', 'scores'].map((name) => readNpy(readFileSync(join(arrays, `${name}.npy`))).values);
    const query = `SELECT id, label, prediction, ${result.snapshot.classes.map((name) => `"score_${name}"`).join(', ')}, seed FROM 'runs/wide/seed-3/predictions.parquet'`;
    const { stdout } = await python(['-c', `import duckdb, json\nprint(json.dumps(duckdb.sql(${JSON.stringify(query)}).fetchall()))`]);
    const table = JSON.parse(stdout) as [string, string, string, number, number, number, number][];
    expect(table.map(([id]) => id)).toEqual(ids);
    expect(table.flatMap(([, , , ...values]) => values.slice(0, 3))).toEqual([...(scores as Float32Array)]);
    for (const [, , prediction, ...values] of table)
      expect(prediction).toBe(result.snapshot.classes[values.indexOf(Math.max(...values.slice(0, 3)))]);
  });
});

describe('what was done to it', () => {
  it('is found: each file in turn with one byte changed, cut short, gone, and one that is not of it', async () => {
    const folder = copy();
    // One run stands for all: every file of another kind, each read anew for each byte.
    for (const path of filesBelow(folder).filter((name) => name !== 'manifest.json' && !/narrow|seed-[23]|part[1-8]/.test(name))) {
      const file = join(folder, path);
      if (statSync(file).size === 0) continue;
      flipBit(file, statSync(file).size >> 1);
      const report = await verifyFolder(folder, { expect: null });
      flipBit(file, statSync(file).size >> 1);
      expect(report.problems).toMatchObject([{ state: 'damaged', name: path }]);
    }
    const scores = join(folder, 'runs/wide/seed-1/predictions/scores.npy');
    truncateSync(scores, 40);
    rmSync(join(folder, 'runs/wide/seed-1/log.txt'));
    writeFileSync(join(folder, 'runs/wide/seed-1/notes.txt'), 'by hand');
    const { code, out } = await at.run(['verify', folder]);
    expect(code).toBe(3);
    for (const line of [
      /^damaged runs\/wide\/seed-1\/predictions\/scores\.npy sha256/m,
      /^missing runs\/wide\/seed-1\/log\.txt/m,
      /^unlisted runs\/wide\/seed-1\/notes\.txt/m,
      /^bad runs\/wide .*1 damaged, 1 missing/m,
    ])
      expect(out).toMatch(line);
  }, 60_000);

  it('is found though the manifest was changed along: the result lists what it was made from, and its own digest signs it', async () => {
    const folder = copy();
    const path = join(folder, 'manifest.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as ExportManifest;
    const rewrite = async (name: string, text: string): Promise<void> => {
      writeFileSync(join(folder, name), text);
      const { createHash } = await import('node:crypto');
      for (const file of manifest.files) if (file.path === name) file.digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
      writeFileSync(path, JSON.stringify(manifest));
    };
    const problems = async (): Promise<string[]> =>
      (await verifyFolder(folder, { expect: null })).problems.map(({ state, name }) => `${state} ${name}`);
    await rewrite('runs/wide/seed-1/log.txt', 'another log\n');
    expect(await problems()).toEqual(['disagrees runs/wide/seed-1/log.txt']);
    await rewrite('result.json', JSON.stringify({ ...result, finishedAt: '2030-01-01' }));
    expect(await problems()).toEqual(expect.arrayContaining(['disagrees result.json']));
    rmSync(path);
    expect(await at.run(['verify', folder])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/is no exported folder, or one that lost its list/) as string,
    });
  });

  it('is found in the store while it is exported: nothing is left, and the object is named', async () => {
    const damaged = join(temporaryFolder(), 'store');
    cpSync(join(at.folder, 'store'), damaged, { recursive: true });
    const log = result.variants[0]?.runs[0]?.artifacts.log?.digest ?? '';
    flipBit(join(damaged, 'objects', log.slice(7, 9), log.slice(9)), 2);
    const { code, err } = await at.run(['export', 'flowers', '-o', 'spoilt/export'], { ASSAY_STORE: `file://${damaged}` });
    expect(code).toBe(3);
    expect(err).toContain(`ObjectCorrupt The object ${log} is damaged`);
    expect(readdirSync(join(at.folder, 'spoilt'))).toEqual([]);
  });
});

describe('the folder', () => {
  it('is refused where something is, and taken where it is empty', async () => {
    const refused = await at.run(['export', 'flowers', '-o', 'whole'], env);
    expect(refused).toMatchObject({ code: 3, err: expect.stringMatching(/^Forbidden .*whole is not empty/) as string });
    mkdirSync(join(at.folder, 'empty'));
    expect(await at.run(['export', 'flowers', '-o', 'empty', '--only', 'splits'], env)).toMatchObject({ code: 0 });
    expect(existsSync(join(at.folder, 'empty', 'manifest.json'))).toBe(true);
  });

  it('is not there after the export was killed, and the next export removes what that one left', async () => {
    const parent = join(at.folder, 'killed');
    mkdirSync(parent);
    const child = spawn(process.execPath, [assay, 'export', 'flowers', '-o', join(parent, 'export')], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    await appears(parent, child);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(readdirSync(parent)).toEqual([expect.stringMatching(/^\.export\.part-.*-\d+$/)]);
    expect(await at.run(['export', 'flowers', '-o', 'killed/export', '--only', 'splits'], env)).toMatchObject({ code: 0 });
    expect(readdirSync(parent)).toEqual(['export']);
  }, 30_000);

  it('and what was built for it are gone after Ctrl-C', async () => {
    const parent = join(at.folder, 'interrupted');
    mkdirSync(parent);
    const child = spawn(process.execPath, [assay, 'export', 'flowers', '-o', join(parent, 'export')], {
      env: { ...process.env, ...env },
      stdio: 'ignore',
    });
    await appears(parent, child);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([null, 'SIGINT']);
    expect(readdirSync(parent)).toEqual([]);
  }, 30_000);

  it('on a disk that is full is not there, and the message says what is needed', async () => {
    // No file may grow above 64 KiB: what a full disk does, at a place that every machine has.
    const script = `trap '' XFSZ; ulimit -f 64; exec "$0" "$@"`;
    const full = await promisify(execFile)('bash', ['-c', script, process.execPath, assay, 'export', 'flowers', '-o', 'full/export'], {
      cwd: at.folder,
      env: { ...process.env, ...env, NO_COLOR: '1' },
    }).then(
      () => ({ code: 0, stderr: '' }),
      (error: { code: number; stderr: string }) => error,
    );
    expect(full).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^StoreUnavailable There is no room in .*full: the export takes about .* are free/) as string,
    });
    expect(readdirSync(join(at.folder, 'full'))).toEqual([]);
  }, 30_000);
});

/** The only block of that language in docs/export.md. */
function block(language: string): string {
  const [, found = ''] = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'm').exec(page) ?? [];
  expect(found).not.toBe('');
  return found;
}

/** In the exported folder, as the page says. */
async function python(args: string[], more: NodeJS.ProcessEnv = {}): Promise<{ stdout: string }> {
  const binary = process.env.ASSAY_TEST_PEERS_PYTHON;
  if (!binary)
    throw new Error(
      'ASSAY_TEST_PEERS_PYTHON is not set: it names a Python with pandas, duckdb and nbclient; `npm test` makes one and sets it.',
    );
  return await promisify(execFile)(binary, args, {
    cwd: whole,
    env: { ...process.env, ...more, HOME: at.folder, IPYTHONDIR: join(at.folder, 'ipython') },
  });
}

/** Resolves when the export has begun to build: the first file that is there. */
async function appears(parent: string, child: ReturnType<typeof spawn>): Promise<void> {
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the export ended before it was seen')));
  ended.catch(() => undefined);
  const seen = new Promise<void>((resolve) => {
    const watcher = watch(parent, () => {
      if (!readdirSync(parent).some((name) => name.includes('.part-'))) return;
      watcher.close();
      resolve();
    });
  });
  await Promise.race([seen, ended]);
}
