import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { promisify } from 'node:util';
import { dataInvalid } from '../problem';
import { findTracked, type Tracked } from './dvcFiles';
import { openStorage, type Storage, type Wanted } from './dvcStorage';
import { fileFormat, folderFormat } from './formats';
import { byPath, type SourceFile, type SourceOptions, type SourceTree } from './tree';
import { refuseTwins } from './walk';

/** Data that DVC tracks, in the version that its `.dvc` or `dvc.lock` file names, whatever the workspace holds now. */
export async function openDvc(source: string, root: string, { folder, heartbeat, anyFormat = false }: SourceOptions): Promise<SourceTree> {
  const tracked = await findTracked(source, root);
  const storage = await openStorage(tracked, folder);
  const isFolder = tracked.md5.endsWith('.dir');
  const members = isFolder ? await listing(tracked, storage) : [single(tracked)];
  const wanted = new Map(members.map((member) => [member.path, member]));
  const files: SourceFile[] = [];
  for (const { path, md5, executable } of members) {
    const size = await storage.size({ path, md5, version: tracked.version });
    files.push({ path, size, ...(executable ? { mode: '755' as const } : {}), stamp: md5 + (executable ? ' x' : ''), touched: 0 });
    heartbeat?.();
  }
  files.sort(byPath);
  const name = basename(tracked.path);
  const kind = isFolder ? folderFormat(source, files, anyFormat) : { format: fileFormat(name, files[0]?.size ?? 0, anyFormat), files };
  return {
    ...kind,
    name,
    source,
    root: null,
    place: `dvc:${tracked.path}`,
    origin: async () => ({
      kind: 'dvc',
      file: relative(storage.root, tracked.file),
      path: relative(storage.root, tracked.path),
      md5: tracked.md5,
      rev: await revisionOf(tracked.file),
      remote: storage.remote?.url ?? null,
    }),
    lend: async (file) => {
      const member = wanted.get(file.path);
      if (member === undefined) throw dataInvalid(`${name} has no file ${file.path}.`);
      const lent = await storage.lend({ path: isFolder ? `${name}/${file.path}` : name, md5: member.md5, version: tracked.version });
      return {
        path: lent.path,
        file,
        // An object of that md5 can only be damaged; read again, its md5 tells.
        settle: async () => ((await lent.settle()) ? file : { ...file, stamp: `${file.stamp} changed` }),
      };
    },
  };
}

interface Member {
  path: string;
  md5: string;
  executable: boolean;
}

const single = ({ path, md5, executable }: Tracked): Member => ({ path: basename(path), md5, executable });

/** A directory is a JSON list of its files, itself an object named by its md5. */
async function listing({ path, md5, version }: Tracked, storage: Storage): Promise<Member[]> {
  const object: Wanted = { path: `the listing of ${basename(path)}`, md5, version };
  const lent = await storage.lend(object);
  const text = await readFile(lent.path, 'utf8');
  await lent.settle();
  const entries = JSON.parse(text) as { md5?: unknown; relpath?: unknown; isexec?: unknown }[];
  const members = entries.map(({ md5: digest, relpath, isexec }): Member => {
    const parts = typeof relpath === 'string' ? relpath.split('/') : [''];
    if (typeof digest !== 'string' || !/^[0-9a-f]{32}$/.test(digest) || parts.some((part) => ['', '.', '..'].includes(part)))
      throw dataInvalid(
        `${object.path} (md5 ${md5}) has an entry that names no file below it: ${JSON.stringify(relpath)}. Track the folder again.`,
      );
    return { path: parts.join('/'), md5: digest, executable: isexec === true };
  });
  refuseTwins(
    basename(path),
    members.map((member) => member.path),
  );
  return members;
}

/** The commit that has this very file; null where it is changed since, or no Git repository keeps it. */
async function revisionOf(file: string): Promise<string | null> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)('git', ['-C', dirname(file), ...args])).stdout.trim();
  try {
    if ((await git('status', '--porcelain', '--', file)) !== '') return null;
    return (await git('rev-parse', 'HEAD')) || null;
  } catch {
    return null;
  }
}
