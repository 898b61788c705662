import { execFile } from 'node:child_process';
import { hostname, userInfo } from 'node:os';
import { promisify } from 'node:util';
import type { Provenance } from '../contract';
import { version } from './version';

/** Who started what from which code. Nothing secret: no environment variables, and a remote without its credentials. */
export async function provenance(root: string, specDigest: string): Promise<Provenance> {
  const [commit, status, remote] = await Promise.all([
    git(root, 'rev-parse', 'HEAD'),
    git(root, 'status', '--porcelain'),
    git(root, 'config', '--get', 'remote.origin.url'),
  ]);
  return {
    assay: version,
    git: { commit, dirty: status !== null && status !== '', remote: remote?.replace(/\/\/[^@/]*@/, '//') ?? null },
    dvc: null,
    spec: specDigest,
    host: hostname(),
    user: userName(),
    command: ['assay', ...process.argv.slice(2)],
    environment: { node: process.version, platform: `${process.platform} ${process.arch}` },
  };
}

async function git(root: string, ...args: string[]): Promise<string | null> {
  try {
    return (await promisify(execFile)('git', ['-C', root, ...args])).stdout.trim();
  } catch {
    return null; // not a repository, or no git here: the record says so by null
  }
}

function userName(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null; // a user id without a name, as in containers
  }
}
