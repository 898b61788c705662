// Proves: the command as a person meets it: what it prints where, its exit codes, and the one clear error for each mistake.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exitCode } from '../../src/cli/exitCode';
import type { ExperimentRecord, Result, Verdict } from '../../src/contract';
import { refNames, type Ref } from '../../src/contract';
import { writeNpy } from '../../src/data/npy';
import { openStore } from '../../src/store';
import { makeResult } from '../report/fixture';
import { changed, valid } from '../contract/fixtures';

const assay = join(__dirname, '..', '..', 'bin', 'assay');

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-command-'));
  mkdirSync(join(folder, 'data'));
  write('experiment.yaml', valid);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('help', () => {
  it('lists the commands on stdout', async () => {
    const { code, out, err } = await run('--help');
    expect([code, err]).toEqual([0, '']);
    for (const command of ['run', 'init', 'validate', 'doctor', 'list', 'show', 'watch', 'logs', 'cancel', 'report', 'export', 'compare']) {
      expect(out).toMatch(new RegExp(`^ {2}${command} `, 'm'));
    }
  });

  it('follows an unknown command, with exit code 2 and nothing on stdout', async () => {
    const { code, out, err } = await run('vaildate', 'experiment.yaml');
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/unknown command 'vaildate'/);
    expect(err).toMatch(/validate/);
  });

  it('follows an unknown option and a missing argument, with exit code 2', async () => {
    expect(await run('list', '--jsn')).toMatchObject({ code: 2, out: '' });
    expect(await run('show')).toMatchObject({ code: 2, out: '' });
  });

  it('names the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8')) as { version: string };
    const { code, out } = await run('--version');
    expect(code).toBe(0);
    expect(out).toContain(version);
  });
});

describe('validate', () => {
  it('prints the resolved spec on stdout and the plan on stderr', async () => {
    const { code, out, err } = await run('validate', 'experiment.yaml');
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}batchSize: 64$/m);
    expect(out).not.toContain(folder);
    expect(err).toBe('experiment.yaml is valid: 2 variants, 10 runs, algorithm question, superiority on accuracy\n');
  });

  it('prints one JSON document with --json, changes included', async () => {
    const { code, out } = await run(
      'validate',
      'experiment.yaml',
      '--json',
      '--set',
      'training.batchSize=17',
      '--set',
      'training.seeds=[7]',
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ name: 'digits', training: { batchSize: 17, seeds: [7] }, analysis: { primary: 'accuracy' } });
  });

  it('names file, line and column of a mistake, and exits with 2', async () => {
    write('wrong.yaml', changed(['epochs: 5', 'epocs: 5']));
    const { code, out, err } = await run('validate', 'wrong.yaml');
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^SpecInvalid .*wrong\.yaml/);
    expect(err).toMatch(/^wrong\.yaml:5:12: .*epocs.*epochs/m);
  });

  it('says how to get a file where there is none', async () => {
    const { code, err } = await run('validate', 'absent.yaml');
    expect(code).toBe(2);
    expect(err).toMatch(/absent\.yaml: cannot be read \(ENOENT\); `assay init` writes a template/);
  });

  it('refuses a --set that names no key', async () => {
    const { code, err } = await run('validate', 'experiment.yaml', '--set', 'training.batchSize');
    expect(code).toBe(2);
    expect(err).toMatch(/--set training\.batchSize: expected key\.path=value/);
  });
});

describe('init', () => {
  it('writes a template that validates once its data are there, and never writes over a file', async () => {
    expect(await run('init', 'new')).toMatchObject({ code: 0 });
    write('new/data/examples.csv', 'id,x,label\n1,0.5,a\n');
    expect(await run('validate', 'new/experiment.yaml')).toMatchObject({ code: 0 });

    const before = readFileSync(join(folder, 'new', 'experiment.yaml'), 'utf8');
    const second = await run('init', 'new');
    expect(second.code).toBe(2);
    expect(second.err).toMatch(/exists already/);
    expect(readFileSync(join(folder, 'new', 'experiment.yaml'), 'utf8')).toBe(before);
  });
});

describe('looking', () => {
  it('at an empty home says how to begin, and starts and writes nothing', async () => {
    const { code, out } = await run('list');
    expect(code).toBe(0);
    expect(out).toMatch(/no experiments .*assay run FILE/);
    expect(JSON.parse((await run('list', '--json')).out)).toEqual([]);
    expect(existsSync(join(folder, 'home'))).toBe(false);
  });

  it('at an unknown experiment names the known ones', async () => {
    await remember('digits-20250102-030405-ab12', 'failed');
    const { code, out, err } = await run('show', 'letters');
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^NotFound no experiment "letters"/);
    expect(err).toContain('digits-20250102-030405-ab12');
  });

  it('finds an experiment by its name: the latest', async () => {
    await remember('digits-20250102-030405-ab12', 'failed');
    await remember('digits-20250103-030405-cd34', 'cancelled');
    expect((await run('show', 'digits')).out).toMatch(/^digits-20250103-030405-cd34 {2}cancelled/);
    expect(JSON.parse((await run('show', 'digits-20250102', '--json')).out)).toMatchObject({ experimentId: 'digits-20250102-030405-ab12' });
  });

  it('at an experiment that failed ends with exit code 3 and what it said', async () => {
    await remember('digits-20250102-030405-ab12', 'failed');
    const { code, err } = await run('watch', 'digits');
    expect(code).toBe(3);
    expect(err).toMatch(/digits-20250102-030405-ab12 failed: the disk was full/);
  });
});

describe('run', () => {
  it('refuses --gpus where no run takes one, before anything is started', async () => {
    const { code, out, err } = await run('run', 'experiment.yaml', '--gpus', '2');
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(
      /--gpus 2: runtime\.maxGpus: expected runtime\.gpus of at least 1, since this is about devices, got 0; set gpus, or leave it out/,
    );
    expect(existsSync(join(folder, 'home'))).toBe(false);
  });

  it('refuses a wrong spec before anything is started', async () => {
    write('wrong.yaml', changed(['source: ./data', 'source: ./absent']));
    const { code, err } = await run('run', 'wrong.yaml');
    expect(code).toBe(2);
    expect(err).toMatch(/wrong\.yaml:2:\d+: data\.source/);
    expect(existsSync(join(folder, 'home'))).toBe(false);
  });

  it('refuses an outcome that there is none of', async () => {
    const { code, err } = await run('run', 'experiment.yaml', '--fail-on', 'harm,worse');
    expect(code).toBe(2);
    expect(err).toMatch(/--fail-on: "worse" is no outcome; expected harm, keep/);
  });

  it('refuses seeds that are no numbers', async () => {
    const { code, err } = await run('run', 'experiment.yaml', '--seeds', '1,two');
    expect(code).toBe(2);
    expect(err).toMatch(/'--seeds <list>' argument '1,two' is invalid\. Expected a whole number/);
  });
});

describe('completion', () => {
  it('for bash is a script that bash takes and that completes commands and their flags', async () => {
    const { code, out } = await run('completion', 'bash');
    expect(code).toBe(0);
    write('completion.bash', out);
    expect(spawnSync('bash', ['-n', join(folder, 'completion.bash')])).toMatchObject({ status: 0 });
    const completed = (...words: string[]): string => {
      const script = `. ./completion.bash; COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _assay; echo "\${COMPREPLY[*]}"`;
      return spawnSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' }).stdout.trim();
    };
    expect(completed('assay', 'val')).toBe('validate');
    expect(completed('assay', 'compare', '--mar')).toBe('--margin');
    expect(completed('assay', 'snapshot', 'cr')).toBe('create');
    expect(completed('assay', 'snapshot', 'diff', '--i')).toBe('--id');
  });

  it('for an unknown shell names the known ones', async () => {
    const { code, err } = await run('completion', 'tcsh');
    expect(code).toBe(2);
    expect(err).toMatch(/expected bash, zsh or fish/);
  });
});

describe('logs', () => {
  it('of a run that ended without a result are what its failure tells', async () => {
    const result = makeResult();
    const failed = result.variants[0]?.runs[0];
    if (!failed) throw new Error('no run');
    failed.failure = { type: 'TrainerRejected', message: 'exit code 78\nrejected: column day is no number' };
    failed.artifacts.log = null;
    const home = openStore(`file://${join(folder, 'home', 'store')}`);
    await remember('digits-1', 'done', await home.putJson(result));
    const { code, out } = await run('logs', 'digits-1', `${result.variants[0]?.name}/${failed.seed}`);
    expect([code, out]).toEqual([0, 'TrainerRejected: exit code 78\nrejected: column day is no number\n']);
  });
});

describe('compare', () => {
  it('prints one JSON document with --json and nothing else', async () => {
    predictions('a', 0.6);
    predictions('b', 0.95);
    const { code, out, err } = await run('compare', 'a', 'b', '--json', '--resamples', '1000');
    expect([code, err]).toEqual([0, '']);
    const result = JSON.parse(out) as Record<string, unknown>;
    expect(result).toMatchObject({ schema: 'assay.compare/1', rows: 200, verdict: { outcome: 'adopt', variant: 'b' } });
    expect(out).toBe(`${JSON.stringify(result, null, 2)}\n`);
  });

  it('exits with 4 on an outcome that --fail-on names, and with 0 on others', async () => {
    predictions('a', 0.95);
    predictions('b', 0.6);
    expect(await run('compare', 'a', 'b', '--resamples', '1000')).toMatchObject({ code: 0 });
    expect(await run('compare', 'a', 'b', '--resamples', '1000', '--fail-on', 'keep,harm')).toMatchObject({ code: 4 });
    expect(await run('compare', 'a', 'b', '--resamples', '1000', '--fail-on', 'inconclusive')).toMatchObject({ code: 0 });
  });

  it('names a folder that is not there, and exits with 2', async () => {
    predictions('a', 0.9);
    const { code, out, err } = await run('compare', 'a', 'absent');
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^DataInvalid absent: no such file or folder/);
  });

  it('exits with 2 where the predictions are wrong', async () => {
    predictions('a', 0.9);
    predictions('b', 0.9, 199);
    const { code, err } = await run('compare', 'a', 'b');
    expect(err).toMatch(/^PredictionsInvalid b: .*\b1\b.*199/);
    expect(code).toBe(2);
  });
});

describe('the exit code', () => {
  const verdict = (outcome: Verdict['outcome'], harm = false): Pick<Result, 'verdict'> => ({
    verdict: { outcome, harm, variant: null, sentence: '', reasons: [] },
  });

  it.each([
    [verdict('keep', true), [], 0],
    [verdict('invalid'), [], 0],
    [verdict('adopt'), ['harm', 'inconclusive'], 0],
    [verdict('inconclusive'), ['harm', 'inconclusive'], 4],
    [verdict('inconclusive', true), ['harm'], 4],
    [verdict('keep'), ['harm'], 0],
    [verdict('invalid'), ['harm'], 4],
  ] as const)('of %j with --fail-on %j is %i', (result, failOn, code) => {
    expect(exitCode(result, [...failOn])).toBe(code);
  });
});

interface Ended {
  code: number;
  out: string;
  err: string;
}

/** The command as a process, in the test's folder, without a server of its environment. */
function run(...args: string[]): Promise<Ended> {
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, HOME: folder, ASSAY_HOME: join(folder, 'home'), NO_COLOR: '1' };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [assay, ...args], { cwd: folder, env, timeout: 50_000 }, (error, out, err) => {
      const code = error ? error.code : 0;
      if (typeof code === 'number') resolve({ code, out, err });
      else reject(error ?? new Error('no exit code'));
    });
  });
}

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

async function remember(experimentId: string, status: ExperimentRecord['status'], result: Ref | null = null): Promise<void> {
  const ref = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'application/json' };
  const record: ExperimentRecord = {
    schema: 'assay.experiment/1',
    experimentId,
    name: 'digits',
    owner: null,
    startedAt: '2025-01-02T03:04:05.000Z',
    finishedAt: '2025-01-02T03:05:05.000Z',
    status,
    workflow: { id: `assay/${experimentId}`, runId: 'r' },
    spec: ref,
    provenance: ref,
    snapshot: null,
    result,
    report: null,
    verdict: null,
    message: 'the disk was full',
  };
  await openStore(`file://${join(folder, 'home', 'store')}`).refs.set(refNames.experiment(experimentId), record, null);
}

/** Predictions of two classes, of which this share is right, spread evenly. */
function predictions(name: string, right: number, rows = 200): void {
  const place = join(folder, name);
  mkdirSync(place);
  const labels = Int32Array.from({ length: rows }, (_, row) => row % 2);
  const scores = Float64Array.from({ length: rows * 2 }, (_, at) => {
    const row = Math.floor(at / 2);
    const correct = (row * 0.618034) % 1 < right;
    return (at % 2 === labels[row]) === correct ? 0.8 : 0.2;
  });
  writeFileSync(join(place, 'ids.npy'), writeNpy({ shape: [rows], data: Array.from({ length: rows }, (_, row) => String(row)) }));
  writeFileSync(join(place, 'labels.npy'), writeNpy({ shape: [rows], data: labels }));
  writeFileSync(join(place, 'scores.npy'), writeNpy({ shape: [rows, 2], data: scores }));
}
