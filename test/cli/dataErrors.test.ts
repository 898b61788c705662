// Proves: a wrong flag, side or place of `assay snapshot` and `assay drift` ends in one sentence, and never in a comparison of something else.
import { closeSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { writeNpy } from '../../src/data/npy';
import { valid } from '../contract/fixtures';
import { s3Client } from '../../src/store/s3';
import { startS3, stopServers } from '../store/servers';
import { type Desk, type Ended, desk, table } from './assay';

const assay = join(__dirname, '..', '..', 'bin', 'assay');

let at: Desk;

beforeEach(() => {
  at = desk();
  at.write('a.csv', table());
  at.write('b.csv', table({ shift: 1, seed: 2 }));
});
afterEach(() => at.remove());
afterAll(stopServers);

/** One line on stderr that says `what`, nothing on stdout. */
function refused({ code, out, err }: Ended, expected: number, what: RegExp): void {
  expect([code, out]).toEqual([expected, '']);
  expect(err).toMatch(what);
  expect(err).not.toMatch(/undefined|NaN|\n {4}at /);
}

function predictions(folder: string, rows: number): void {
  const ids = Array.from({ length: rows }, (_, i) => BigInt(i));
  const scores = Float64Array.from({ length: 2 * rows }, (_, i) => (i % 7) / 10);
  at.write(`${folder}/ids.npy`, writeNpy({ shape: [rows], data: BigInt64Array.from(ids) }));
  at.write(`${folder}/scores.npy`, writeNpy({ shape: [rows, 2], data: scores }));
}

describe('a flag of drift', () => {
  it.each(['x', '', '-1', '2'])('refuses "%s" as a share', async (value) => {
    refused(await at.run(['drift', 'a.csv', 'b.csv', '--alpha', value]), 2, /--alpha <p>.*Expected a number from 0 to 1/);
    refused(
      await at.run(['drift', 'serving', 'a.csv', 'b.csv', '--tolerance', value]),
      2,
      /--tolerance <d>.*Expected a number from 0 to 1/,
    );
  });

  it('is refused where it names a column that neither side has', async () => {
    refused(
      await at.run(['drift', 'a.csv', 'b.csv', '--ignore', 'id,zip']),
      2,
      /--ignore zip: neither side has such a column; they have id,/,
    );
  });

  it('is refused where it leaves no column to compare, with --fail-on-drift too', async () => {
    refused(
      await at.run(['drift', 'a.csv', 'b.csv', '--fail-on-drift', '--ignore', 'id,label,day,x,y,kind']),
      2,
      /a\.csv and b\.csv share no column that can be compared\..*--ignore/,
    );
  });

  it('is refused before the name of a command below it, where it would be forgotten', async () => {
    refused(await at.run(['drift', '--json', 'stream', 'a.csv', '--column', 'x']), 2, /--json stands before stream; write it after/);
  });

  it('is not told as one of the commands below', async () => {
    const { out } = await at.run(['drift', 'stream', '--help']);
    expect(out).toMatch(/--column <column>/);
    expect(out).not.toMatch(/--multivariate/);
  });

  it('names no column of predictions', async () => {
    predictions('p', 50);
    refused(await at.run(['drift', 'p', 'p', '--unit', 'user']), 2, /Predictions have no columns to name/);
  });
});

describe('drift', () => {
  it('compares a stored snapshot row by row where a flag needs rows', async () => {
    expect(await at.run(['snapshot', 'create', 'a.csv', '--name', 'a'])).toMatchObject({ code: 0 });
    const { code, out } = await at.run(['drift', 'snapshot:a', 'b.csv', '--time', 'day', '--multivariate', 'mmd']);
    expect(code).toBe(0);
    expect(out).toMatch(/all columns together/);
    expect(out).toMatch(/"x" changed: noticed at row/);
  });

  it('draws the noise of a stored snapshot by the unit that is named', async () => {
    await at.run(['snapshot', 'create', 'a.csv', '--name', 'a']);
    refused(await at.run(['drift', 'snapshot:a', 'snapshot:a', '--unit', 'user']), 2, /has no column "user" \(the unit\)/);
  });

  it('says from which change on so few rows could show one', async () => {
    at.write('few.csv', table({ rows: 10 }));
    at.write('one.csv', 'x,y\n1,2\n');
    expect((await at.run(['drift', 'a.csv', 'few.csv', '--ignore', 'id'])).out).toMatch(
      /With 600 and 10 rows only changes of 0\.52 or more \(of 1\) could be noticed/,
    );
    expect((await at.run(['drift', 'one.csv', 'one.csv'])).out).toMatch(/With 1 and 1 rows no change of a distribution could be noticed/);
    expect((await at.run(['drift', 'a.csv', 'a.csv'])).out).not.toMatch(/could be noticed/);
  });

  it('refuses predictions without a row', async () => {
    predictions('none', 0);
    predictions('some', 50);
    refused(await at.run(['drift', 'some', 'none']), 2, /none\/scores\.npy: has the shape \(0, 2\), expected one row or more/);
  });

  it('watches no rows that the reference took all of', async () => {
    refused(await at.run(['drift', 'stream', 'a.csv', '--column', 'x', '--reference', '600']), 2, /--reference 600: a\.csv has 600 rows/);
  });

  it('says where weights cannot be written', async () => {
    refused(
      await at.run(['drift', 'weights', 'a.csv', 'a.csv', '--columns', 'x', '-o', 'nowhere/w.csv']),
      2,
      /--output nowhere\/w\.csv cannot be written: ENOENT.*Name a file in a folder that is there/,
    );
  });

  it('tells a full disk behind > in one line, with exit code 3', () => {
    const full = openSync('/dev/full', 'w');
    const env = { PATH: process.env.PATH, HOME: at.folder, ASSAY_HOME: join(at.folder, 'home'), NO_COLOR: '1' };
    const { status, stderr } = spawnSync(process.execPath, [assay, 'drift', 'a.csv', 'b.csv'], {
      cwd: at.folder,
      env,
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect([status, stderr]).toEqual([3, 'error stdout: ENOSPC: no space left on device, write\n']);
  });

  it('leaves nothing in the folder for temporary files when it is interrupted', async () => {
    mkdirSync(join(at.folder, 'tmp'));
    at.write('long.csv', table({ rows: 40_000 }));
    const child = spawn(process.execPath, [assay, 'drift', 'long.csv', 'long.csv', '--multivariate', 'classifier'], {
      cwd: at.folder,
      env: { PATH: process.env.PATH, ASSAY_HOME: join(at.folder, 'home'), TMPDIR: join(at.folder, 'tmp') },
      stdio: 'ignore',
    });
    const ended = once(child, 'exit');
    while (readdirSync(join(at.folder, 'tmp')).length === 0 && child.exitCode === null) await new Promise(setImmediate);
    child.kill('SIGINT');
    expect(await ended).toEqual([null, 'SIGINT']);
    expect(readdirSync(join(at.folder, 'tmp'))).toEqual([]);
  });
});

describe('a source', () => {
  it('is refused empty, which would be the folder one stands in', async () => {
    refused(await at.run(['snapshot', 'create', '']), 2, /data\.source is empty\. Name a file/);
  });

  it('too long for a path is told by its beginning', async () => {
    const ended = await at.run(['snapshot', 'create', 'x'.repeat(5000)]);
    refused(ended, 2, /x… is too long for a path \(\d+ characters\)/);
    expect(ended.err.length).toBeLessThan(300);
  });

  it('of an unknown kind is told without the password in it', async () => {
    const ended = await at.run(['snapshot', 'create', 'https://me:hunter2@host/x.csv']);
    refused(ended, 2, /data\.source "https:\/\/host\/x\.csv": assay reads/);
    expect(ended.err).not.toMatch(/hunter2/);
  });

  it('with a key in it is refused before an experiment is stored with it', async () => {
    at.write('experiment.yaml', valid.replace('./data', 's3://AKIA:hunter2@bucket/set'));
    at.write('train.py', '');
    const ended = await at.run(['validate', 'experiment.yaml']);
    refused(ended, 2, /data\.source: holds a user, password or key/);
    expect(ended.err).not.toMatch(/hunter2/);
  });

  it('on a bucket is read by the command as it is built', async () => {
    await startS3();
    await s3Client().send(new CreateBucketCommand({ Bucket: 'built' }));
    await s3Client().send(new PutObjectCommand({ Bucket: 'built', Key: 'set/a.csv', Body: table() }));
    const aws = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('AWS_')));
    const { code, out, err } = await at.run(['snapshot', 'create', 's3://built/set/a.csv', '--json'], aws);
    expect([code, err]).toEqual([0, '']);
    expect(JSON.parse(out)).toMatchObject({ source: 's3://built/set/a.csv', files: 1, origin: { kind: 's3', bucket: 'built' } });
    refused(await at.run(['snapshot', 'create', 's3://built/none'], aws), 2, /there is no object of that key, and none below it/);
  });
});
