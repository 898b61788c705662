import { writeFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { Manifest, Ref } from '../contract';
import type { ByteRange } from './backend';
import { asStoreError, hashBytes } from './files';
import { inParallel } from './parallel';
import type { FolderOptions } from './store';

export interface FilePort {
  get(ref: Pick<Ref, 'digest'>): Promise<Buffer>;
  fetchTo(ref: Pick<Ref, 'digest'>, path: string): Promise<void>;
  findPacked(digest: string): Promise<{ pack: string; start: number; end: number } | null>;
  /** Not verified. */
  readPack(pack: string, range: ByteRange): Promise<Buffer>;
}

type File = Manifest['files'][number];

/** Members of one pack that lie side by side, read at once. */
interface Run {
  pack: string;
  start: number;
  end: number;
  members: { file: File; start: number; end: number }[];
}

/** Larger files are never looked for in packs. */
const largestMember = 4 << 20;
/** Reading on over so many bytes that are not wanted is cheaper than asking again. */
const gapBytes = 64 << 10;
const runBytes = 2 << 20;
const atOnce = 8;
/** Longest time for which the event loop is kept from other work. Small files are written in place, which costs a third of what the thread pool does. */
const sliceMilliseconds = 10;

/** Writes the files below `folder`, each verified, those of one pack with few reads. */
export async function fetchFiles(port: FilePort, files: readonly File[], folder: string, options: FolderOptions): Promise<void> {
  for (const parent of new Set(files.map(({ path }) => dirname(join(folder, path))))) await mkdir(parent, { recursive: true });
  const { runs, others } = await plan(port, files);
  const progress = { files: 0, bytes: 0 };
  const done = async (file: File): Promise<void> => {
    if (file.mode === '755') await chmod(join(folder, file.path), 0o755);
    progress.files += 1;
    progress.bytes += file.size;
    options.onProgress?.({ ...progress });
  };
  const alone = async (file: File): Promise<void> => {
    await port.fetchTo(file, join(folder, file.path));
    await done(file);
  };
  const tasks = [...runs.map((run) => () => fetchRun(port, run, folder, done, alone)), ...others.map((file) => () => alone(file))];
  await inParallel(tasks, atOnce, async (task) => {
    options.signal?.throwIfAborted();
    await task();
  });
}

async function plan(port: FilePort, files: readonly File[]): Promise<{ runs: Run[]; others: File[] }> {
  const others: File[] = [];
  const packs = new Map<string, Run['members']>();
  for (const file of files) {
    const found = file.size <= largestMember ? await port.findPacked(file.digest) : null;
    if (found === null) others.push(file);
    else {
      const { pack, start, end } = found;
      const members = packs.get(pack);
      if (members === undefined) packs.set(pack, [{ file, start, end }]);
      else members.push({ file, start, end });
    }
  }
  return { runs: [...packs].flatMap(([pack, members]) => coalesced(pack, members)), others };
}

function coalesced(pack: string, members: Run['members']): Run[] {
  const runs: Run[] = [];
  for (const member of members.sort((a, b) => a.start - b.start)) {
    const last = runs.at(-1);
    if (last !== undefined && member.start - last.end <= gapBytes && member.end - last.start <= runBytes) {
      last.members.push(member);
      last.end = Math.max(last.end, member.end);
    } else runs.push({ pack, start: member.start, end: member.end, members: [member] });
  }
  return runs;
}

/** What cannot be read here, or is not sound, is fetched alone, which asks every replica and says what is wrong. */
async function fetchRun(
  port: FilePort,
  { pack, start, end, members }: Run,
  folder: string,
  done: (file: File) => Promise<void>,
  alone: (file: File) => Promise<void>,
): Promise<void> {
  const bytes = await port.readPack(pack, { start, end }).catch(() => null);
  let sliceEnd = performance.now() + sliceMilliseconds;
  for (const member of members) {
    const { file } = member;
    const own = bytes?.subarray(member.start - start, member.end - start);
    if (own !== undefined && hashBytes(own) === file.digest) {
      write(join(folder, file.path), own);
      await done(file);
    } else await alone(file);
    if (performance.now() > sliceEnd) {
      await turn();
      sliceEnd = performance.now() + sliceMilliseconds;
    }
  }
}

function write(path: string, bytes: Buffer): void {
  try {
    writeFileSync(path, bytes, { flag: 'wx' });
  } catch (error) {
    throw asStoreError(error, path);
  }
}
