import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Provenance, mediaTypes } from '../contract';
import type { Store } from '../store';
import { version } from './version';

/** The largest diff that is kept, bytes: beyond it somebody has data in the working tree. */
const largestDiff = 16 * 2 ** 20;

/** Who started what from which code. Nothing secret: no environment variables, and a remote without its credentials. */
export async function provenance({
  store,
  root,
  spec,
  source,
}: {
  store: Store;
  root: string;
  /** Digest of the resolved spec; empty where there is none. */
  spec: string;
  source: string;
}): Promise<Provenance> {
  const [commit, remote, diff, dvc] = await Promise.all([
    git(root, 'rev-parse', 'HEAD'),
    git(root, 'config', '--get', 'remote.origin.url'),
    workingDiff(root),
    dvcOf(root, source),
  ]);
  const artifact = diff === null || diff === '' || diff.length > largestDiff ? null : await store.put(diff, mediaTypes.text);
  return {
    assay: version,
    git: {
      commit: commit?.trim() ?? null,
      dirty: diff !== null && diff !== '',
      remote: remote?.trim().replace(/\/\/[^@/]*@/, '//') ?? null,
      diff: artifact,
    },
    dvc,
    spec,
    host: hostname(),
    user: userName(),
    command: ['assay', ...process.argv.slice(2).map(withoutPassword)],
    environment: { node: process.version, platform: `${process.platform} ${process.arch}` },
  };
}

/** What `git apply` needs to come from the commit to the files as they are; new files are in it too. Null outside a repository. */
async function workingDiff(root: string): Promise<string | null> {
  const tracked = await git(root, 'diff', '--binary', 'HEAD', '--', '.');
  if (tracked === null) return null;
  const names = ((await git(root, 'ls-files', '--others', '--exclude-standard', '-z')) ?? '').split('\0').filter((name) => name !== '');
  const fresh: string[] = [];
  let bytes = tracked.length;
  for (const name of names) {
    bytes += (await stat(join(root, name)).catch(() => null))?.size ?? 0;
    if (bytes > largestDiff) break;
    fresh.push((await git(root, 'diff', '--binary', '--no-index', '--', '/dev/null', name)) ?? '');
  }
  return [tracked, ...fresh].join('');
}

/** The `.dvc` file beside the data source, or the one that the source names. */
async function dvcOf(root: string, source: string): Promise<Provenance['dvc']> {
  const file = source.startsWith('dvc:') ? resolve(root, source.slice('dvc:'.length)) : `${resolve(root, source)}.dvc`;
  const text = /^[a-z0-9]+:/i.test(source) && !source.startsWith('dvc:') ? null : await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const { parse } = await import('yaml');
    const md5 = (parse(text) as { outs?: { md5?: string }[] }).outs?.[0]?.md5;
    if (typeof md5 !== 'string') return null;
    const rev = await git(dirname(file), 'log', '-1', '--format=%H', '--', file);
    return { file: relative(root, file), md5, rev: rev?.trim() || null };
  } catch {
    return null; // not a file of DVC, whatever its name
  }
}

/** `git diff --no-index` exits 1 where there is a difference: what it printed counts. */
async function git(root: string, ...args: string[]): Promise<string | null> {
  try {
    const options = { maxBuffer: 4 * largestDiff, env: { ...process.env, GIT_OPTIONAL_LOCKS: '0' } };
    return (await promisify(execFile)('git', ['-C', root, ...args], options)).stdout;
  } catch (error) {
    const { code, stdout } = error as { code?: unknown; stdout?: string };
    // Otherwise not a repository, or no git here: the record says so by null.
    return code === 1 && args.includes('--no-index') ? (stdout ?? '') : null;
  }
}

/** `https://user:secret@host` as an argument. */
const withoutPassword = (argument: string): string => argument.replace(/(\/\/[^:/@\s]+):[^@/\s]+@/g, '$1:***@');

function userName(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null; // a user id without a name, as in containers
  }
}
