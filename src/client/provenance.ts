import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, realpath, rm, stat } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { type Provenance, mediaTypes } from '../contract';
import type { Store } from '../store';

/** The largest diff that is kept, bytes, and the most new files: beyond them somebody has data in the working tree. */
const largestDiff = 16 * 2 ** 20;
const mostNewFiles = 1000;

export interface Whence {
  store: Store;
  /** Folder of the experiment file. */
  root: string;
  source: string;
  /** ASSAY_HOME, whose records are no part of the code. */
  home: string;
  /** Of assay. */
  version: string;
  command: string[];
}

/** Who started what from which code. Nothing secret: no environment variables, and a remote without its credentials. */
export async function provenanceOf({ store, root, source, home, version, command }: Whence): Promise<Omit<Provenance, 'spec'>> {
  const [tree, remote, dvc] = await Promise.all([
    workingTree(root, home),
    git(root, 'config', '--get', 'remote.origin.url'),
    dvcOf(root, source),
  ]);
  return {
    assay: version,
    git: {
      commit: tree?.commit ?? null,
      dirty: tree?.dirty ?? false,
      remote: remote?.trim().replace(/\/\/[^@/]*@/, '//') ?? null,
      diff: tree?.patch ? await store.put(tree.patch, mediaTypes.text) : null,
    },
    dvc,
    host: hostname(),
    user: userName(),
    command: command.map(withoutPassword),
    environment: { node: process.version, platform: `${process.platform} ${process.arch}` },
  };
}

/**
 * The commit, and what `git apply` needs at the top of the repository to come from it to the files as they are, new ones too: bytes, as a
 * text file may have any encoding; null where it would be too much. Null outside a repository.
 */
async function workingTree(root: string, homeDir: string): Promise<{ commit: string; dirty: boolean; patch: Buffer | null } | null> {
  const [top, index, commit] = (await git(root, 'rev-parse', '--show-toplevel', '--git-path', 'index', 'HEAD'))?.split('\n') ?? [];
  if (!top || !index || !commit) return null;
  const home = await realpath(homeDir).catch(() => homeDir);
  const names = ((await git(top, 'ls-files', '--others', '--exclude-standard', '-z')) ?? '')
    .split('\0')
    // Neither the records of runs nor a repository within this one.
    .filter((name) => name !== '' && !name.endsWith('/') && !join(top, name).startsWith(home + sep));
  const sizes = await Promise.all(
    names.slice(0, mostNewFiles).map((name) =>
      stat(join(top, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  if (names.length > mostNewFiles || sizes.reduce((sum, size) => sum + size, 0) > largestDiff) return { commit, dirty: true, patch: null };
  const folder = await mkdtemp(join(tmpdir(), 'assay-git-'));
  try {
    // An index of our own, in which the new files are announced: the user's stays as it is.
    const own = { GIT_INDEX_FILE: join(folder, 'index') };
    await copyFile(resolve(root, index), own.GIT_INDEX_FILE).catch(() => undefined);
    if (names.length > 0) await gitBytes(top, ['--literal-pathspecs', 'add', '--intent-to-add', '--ignore-errors', '--', ...names], own);
    const patch = (await gitBytes(top, [...diffOf, 'HEAD'], own)) ?? Buffer.alloc(0);
    return { commit, dirty: patch.length > 0, patch: patch.length > 0 && patch.length <= largestDiff ? patch : null };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Whatever the user's configuration makes of a diff, `git apply` has to take this one. */
const diffOf = 'diff --binary --no-color --no-ext-diff --no-textconv --no-relative --src-prefix=a/ --dst-prefix=b/'.split(' ');

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

const git = async (root: string, ...args: string[]): Promise<string | null> => (await gitBytes(root, args))?.toString('utf8') ?? null;

/** What git prints, or the beginning of what is too much; null where it fails: no repository, or no git here. */
async function gitBytes(root: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Buffer | null> {
  try {
    const options = { maxBuffer: 2 * largestDiff, encoding: 'buffer', env: { ...process.env, GIT_OPTIONAL_LOCKS: '0', ...env } } as const;
    return (await promisify(execFile)('git', ['-C', root, ...args], options)).stdout;
  } catch (error) {
    const { code, stdout } = error as { code?: unknown; stdout?: Buffer };
    return code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER' ? (stdout ?? null) : null;
  }
}

/** `https://user:secret@host` or `https://token@host` as an argument. */
const withoutPassword = (argument: string): string => argument.replace(/\/\/[^/@\s]+@/g, '//***@');

function userName(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null; // a user id without a name, as in containers
  }
}
