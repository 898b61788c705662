import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { dataInvalid } from '../problem';

/** What DVC knows of one output: its md5, and where it would be checked out. */
export interface Tracked {
  /** The `.dvc` or `dvc.lock` file, absolute. */
  file: string;
  /** The output, absolute. */
  path: string;
  /** A directory's md5 ends in `.dir`. */
  md5: string;
  size: number | null;
  executable: boolean;
  /** DVC 3 names its hash; what DVC 2 wrote names none, and hashed text without carriage returns. */
  version: 2 | 3;
  remote: string | null;
}

/** `dvc:FILE.dvc`, `dvc:dvc.lock#stage/out`, or `dvc:path/to/out`. */
export async function findTracked(source: string, root: string): Promise<Tracked> {
  const [name = '', wanted] = source.slice('dvc:'.length).split(/#(.*)/s);
  const path = resolve(root, name);
  if (name.endsWith('.dvc')) return only(await outsOf(path, source), wanted, path, source);
  if (basename(name) === 'dvc.lock') return only(await outsOf(path, source), wanted, path, source);
  if (existsSync(`${path}.dvc`)) return only(await outsOf(`${path}.dvc`, source), undefined, `${path}.dvc`, source);
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const lock = join(folder, 'dvc.lock');
    const found = existsSync(lock) ? (await outsOf(lock, source)).find((out) => out.tracked.path === path) : undefined;
    if (found !== undefined) return found.tracked;
    if (folder === dirname(folder) || existsSync(join(folder, '.dvc')))
      throw dataInvalid(
        `data.source "${source}": neither ${basename(path)}.dvc beside it nor a dvc.lock above it tracks ${path}. Name what \`dvc list . -R --dvc-only\` shows.`,
      );
  }
}

interface Out {
  tracked: Tracked;
  stage: string | null;
}

function only(outs: Out[], wanted: string | undefined, file: string, source: string): Tracked {
  const nameOf = ({ tracked, stage }: Out): string => (stage === null ? '' : `${stage}/`) + relative(dirname(file), tracked.path);
  const fits =
    wanted === undefined ? outs : outs.filter((out) => nameOf(out) === wanted || relative(dirname(file), out.tracked.path) === wanted);
  const [found, second] = fits;
  if (found === undefined || second !== undefined)
    throw dataInvalid(
      `data.source "${source}": ${file} has ${outs.length} outputs (${outs.slice(0, 5).map(nameOf).join(', ')}); name one of them as dvc:${basename(file)}#NAME.`,
    );
  return found.tracked;
}

async function outsOf(file: string, source: string): Promise<Out[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw dataInvalid(
      `data.source "${source}": ${file} does not exist or cannot be read. Name a file that \`dvc add\` or \`dvc repro\` wrote.`,
      error,
    );
  });
  const { parse } = await import('yaml');
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw dataInvalid(`${file} is no YAML: ${(error as Error).message.split('\n')[0]}`, error);
  }
  const top = record(content);
  const isLock = basename(file) === 'dvc.lock';
  const wdirs = isLock ? await workingDirectories(join(dirname(file), 'dvc.yaml')) : new Map<string, unknown>();
  const lists: { stage: string | null; wdir: unknown; list: unknown }[] = isLock
    ? Object.entries(record(top['stages'] ?? top)).map(([stage, value]) => ({
        stage,
        wdir: wdirs.get(stage.replace(/@.*/, '')),
        list: record(value)['outs'],
      }))
    : [{ stage: null, wdir: top['wdir'], list: top['outs'] }];
  const outs = lists.flatMap(({ stage, wdir, list }) =>
    (Array.isArray(list) ? list : []).map((out: unknown): Out => ({ stage, tracked: tracked(record(out), file, wdir) })),
  );
  if (outs.length === 0) throw dataInvalid(`${file} has no outs: DVC tracks nothing by it. Run \`dvc add\` or \`dvc repro\` again.`);
  return outs;
}

/** Paths in dvc.lock start from the stage's `wdir`, which only dvc.yaml names. */
async function workingDirectories(file: string): Promise<Map<string, unknown>> {
  const { parse } = await import('yaml');
  try {
    const stages = record(record(parse(await readFile(file, 'utf8')))['stages']);
    return new Map(Object.entries(stages).map(([stage, value]) => [stage, record(value)['wdir'] ?? record(record(value)['do'])['wdir']]));
  } catch {
    return new Map();
  }
}

function tracked(out: Record<string, unknown>, file: string, wdir: unknown): Tracked {
  const path = typeof out['path'] === 'string' ? resolve(dirname(file), typeof wdir === 'string' ? wdir : '.', out['path']) : undefined;
  const { md5, hash, size, remote } = out;
  if (path === undefined) throw dataInvalid(`${file} has an output without a path. Run \`dvc add\` again.`);
  if (typeof md5 !== 'string' || !/^[0-9a-f]{32}(\.dir)?$/.test(md5))
    throw dataInvalid(
      `${file} has no md5 for ${basename(path)}${'files' in out || 'cloud' in out || 'etag' in out ? ' (its versions lie in the cloud remote)' : ''}. Run \`dvc commit\`, or name the data in the remote as s3://bucket/prefix.`,
    );
  return {
    file,
    path,
    md5,
    size: typeof size === 'number' ? size : null,
    executable: out['isexec'] === true,
    version: hash === 'md5' ? 3 : 2,
    remote: typeof remote === 'string' ? remote : null,
  };
}

const record = (value: unknown): Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
