// Proves: from the record of who started what the same files come back, and nothing secret is in it.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { provenance } from '../../src/cli/provenance';
import type { Provenance } from '../../src/contract';
import { openStore, type Store } from '../../src/store';
import { filesBelow, removeTemporaryFolders, temporaryFolder } from '../store/helpers';

const argv = process.argv;
const env = { ...process.env };
let top: string;
let store: Store;

beforeEach(() => {
  const folder = temporaryFolder();
  top = join(folder, 'repository');
  mkdirSync(top);
  store = openStore(`file://${join(folder, 'store')}`);
  // No configuration of this machine.
  Object.assign(process.env, { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null', ASSAY_HOME: join(folder, 'home') });
});
afterEach(() => {
  process.argv = argv;
  process.env = { ...env };
});
afterAll(removeTemporaryFolders);

describe('the working tree', () => {
  it('comes back from a clone of the commit and the diff, byte by byte', async () => {
    repository({
      'changed.py': 'old\n',
      'gone.py': 'gone\n',
      'latin.txt': Buffer.from('caf\xe9\n', 'latin1'),
      'model.bin': Buffer.from([0, 1, 2, 3]),
      'run.sh': '#!/bin/sh\n',
      'work/train.py': 'import shared\n',
    });
    write('changed.py', 'new\n');
    rmSync(join(top, 'gone.py'));
    write('latin.txt', Buffer.from('caf\xe9 na\xefve\n', 'latin1'));
    write('model.bin', Buffer.from([0, 255, 2]));
    chmodSync(join(top, 'run.sh'), 0o755);
    write('work/train.py', 'import shared, fresh\n');
    write('work/fresh.py', 'fresh = 1\n');
    write('work/with space "and" ümlaut.bin', randomBytes(300));
    write('work/empty', '');
    write('staged.py', 'staged = 1\n');
    git('add', 'staged.py');

    const { commit, dirty, diff } = (await of({ root: join(top, 'work') })).git;
    expect(dirty).toBe(true);
    const clone = join(dirname(top), 'clone');
    execFileSync('git', ['clone', '--quiet', top, clone]);
    execFileSync('git', ['-C', clone, 'checkout', '--quiet', commit ?? 'none']);
    execFileSync('git', ['-C', clone, 'apply', '-'], { input: await patch(diff) });
    expect(treeOf(clone)).toEqual(treeOf(top));
  });

  it('comes back whatever the user has made of `git diff`', async () => {
    repository({ 'a.py': 'old\n', '.gitattributes': '*.py diff=upper\n' });
    for (const [key, value] of Object.entries({
      'diff.noprefix': 'true',
      'diff.relative': 'true',
      'color.ui': 'always',
      'diff.external': 'true',
      'diff.upper.textconv': 'tr a-z A-Z <',
    }))
      git('config', key, value);
    write('a.py', 'new\n');
    const { diff } = (await of()).git;
    const clone = join(dirname(top), 'clone');
    execFileSync('git', ['clone', '--quiet', top, clone]);
    execFileSync('git', ['-C', clone, 'apply', '-'], { input: await patch(diff) });
    expect(readFileSync(join(clone, 'a.py'), 'utf8')).toBe('new\n');
  });

  it('is told clean with its commit and no diff, and stays as it was', async () => {
    const commit = repository({ 'a.py': 'a\n', '.gitignore': 'ignored\n' });
    write('ignored', 'no part of the code');
    expect((await of()).git).toEqual({ commit, dirty: false, remote: null, diff: null });
    write('b.py', 'b\n');
    const before = git('status', '--porcelain');
    await of();
    expect(git('status', '--porcelain')).toBe(before);
  });

  it('holds neither what git ignores nor the records of runs', async () => {
    repository({ 'a.py': 'a\n', '.gitignore': 'data\n' });
    process.env.ASSAY_HOME = join(top, '.assay');
    write('.assay/store/objects/00/1', 'an object');
    write('data/rows.csv', 'id\n');
    expect((await of()).git).toMatchObject({ dirty: false, diff: null });
    write('b.py', 'b\n');
    const text = String(await patch((await of()).git.diff));
    expect(text).toContain('b/b.py');
    expect(text).not.toContain('.assay');
  });

  it('with data in it is told changed without a diff', async () => {
    repository({ 'rows.bin': randomBytes(10) });
    write('new.bin', randomBytes(17 * 2 ** 20));
    expect((await of()).git).toMatchObject({ dirty: true, diff: null });
    rmSync(join(top, 'new.bin'));
    write('rows.bin', randomBytes(40 * 2 ** 20));
    expect((await of()).git).toMatchObject({ dirty: true, diff: null });
  });

  it('outside a repository is told by nothing', async () => {
    expect(await of()).toMatchObject({ git: { commit: null, dirty: false, remote: null, diff: null }, dvc: null });
  });
});

it('holds no password, token or variable of the environment', async () => {
  repository({ 'a.py': 'a\n' });
  git('remote', 'add', 'origin', 'https://somebody:remote-secret@example.org/team/code.git');
  process.env.SOME_KEY = 'environment-secret';
  process.argv = [
    ...['node', 'assay', 'run', 'a.yaml', '--set', 'data.source=https://me:argument-secret@example.org/x'],
    ...['https://token-secret@example.org/y', 's3://bucket/folder/a@b.csv'],
  ];
  const found = await of();
  expect(JSON.stringify(found)).not.toMatch(/secret|SOME_KEY/);
  expect(found.git.remote).toBe('https://example.org/team/code.git');
  expect(found.command).toEqual([
    ...['assay', 'run', 'a.yaml', '--set', 'data.source=https://***@example.org/x'],
    ...['https://***@example.org/y', 's3://bucket/folder/a@b.csv'],
  ]);
});

describe('a file of DVC', () => {
  const md5 = 'd41d8cd98f00b204e9800998ecf8427e';

  it('beside the data, or named by the source, is told with its md5 and its last commit', async () => {
    repository({ 'data/rows.csv.dvc': `outs:\n- md5: ${md5}\n  path: rows.csv\n` });
    const told = { file: 'data/rows.csv.dvc', md5, rev: git('rev-parse', 'HEAD').trim() };
    write('later.py', 'later\n');
    git('add', '.');
    git('commit', '--quiet', '-m', 'later');
    expect((await of({ source: 'data/rows.csv' })).dvc).toEqual(told);
    expect((await of({ source: 'dvc:data/rows.csv.dvc' })).dvc).toEqual(told);
  });

  it('is no other file of that name', async () => {
    repository({ 'rows.csv.dvc': 'no: [yaml', 'other.csv.dvc': 'outs: none\n' });
    expect((await of({ source: 'rows.csv' })).dvc).toBeNull();
    expect((await of({ source: 'other.csv' })).dvc).toBeNull();
    expect((await of({ source: 's3://bucket/rows.csv' })).dvc).toBeNull();
  });
});

const of = ({ root = top, source = '' } = {}): Promise<Provenance> => provenance({ store, root, spec: '', source });

const git = (...args: string[]): string => execFileSync('git', ['-C', top, ...args], { encoding: 'utf8' });

/** Makes the repository with these files committed; returns the commit. */
function repository(files: Record<string, string | Buffer>): string {
  git('init', '--quiet');
  for (const [name, value] of Object.entries({ 'user.name': 'Somebody', 'user.email': 'somebody@example.org' })) git('config', name, value);
  for (const [path, content] of Object.entries(files)) write(path, content);
  git('add', '.');
  git('commit', '--quiet', '-m', 'first');
  return git('rev-parse', 'HEAD').trim();
}

function write(path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), content);
}

async function patch(diff: Provenance['git']['diff']): Promise<Buffer> {
  if (diff === null) throw new Error('no diff was kept');
  return await store.get(diff);
}

/** Content and right of execution of each file. */
const treeOf = (folder: string): [string, string, boolean][] =>
  filesBelow(folder)
    .filter((path) => !path.startsWith('.git/'))
    .map((path) => [path, readFileSync(join(folder, path), 'base64'), (statSync(join(folder, path)).mode & 0o100) !== 0]);
