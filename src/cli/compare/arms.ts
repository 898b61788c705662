import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { AssayError } from '../../contract';
import type { PredictionFile } from '../predictions/file';
import { readRuns } from '../predictions/files';
import type { TableOptions } from '../predictions/table';

/** One side of the comparison: a model, or one algorithm under several seeds. */
export interface CompareArm {
  name: string;
  runs: { seed: number; file: PredictionFile }[];
}

/** Each input is a path, `name=path`, or `name=path,path,...` with one path a seed. */
export async function readArms(inputs: readonly string[], options: TableOptions): Promise<CompareArm[]> {
  const parsed = inputs.map(parseInput);
  const names = distinctNames(parsed);
  const arms: CompareArm[] = [];
  // One after the other: each may take hundreds of megabytes while it is read.
  for (const [i, { paths }] of parsed.entries()) arms.push({ name: names[i] as string, runs: await readArm(paths, options) });
  return arms;
}

async function readArm(paths: readonly string[], options: TableOptions): Promise<CompareArm['runs']> {
  const files: PredictionFile[] = [];
  for (const path of paths) {
    const runs = await readRuns(path, options);
    if (paths.length > 1 && runs.length > 1)
      throw new AssayError('DataInvalid', `${path}: holds ${runs.length} seeds; in a list of paths each is one seed`);
    files.push(...runs);
  }
  const seeds = files.map(({ seed }) => seed);
  const named = seeds.every((seed) => seed !== null) && new Set(seeds).size === seeds.length;
  return files.map((file, i) => ({ seed: named ? (file.seed as number) : i + 1, file }));
}

interface Input {
  name: string | null;
  paths: string[];
}

function parseInput(text: string): Input {
  if (existsSync(text)) return { name: null, paths: [text] };
  const match = /^([^=/\\]+)=(.+)$/.exec(text);
  const [name, rest] = match === null ? [null, text] : [(match[1] as string).trim(), match[2] as string];
  const paths = existsSync(rest) ? [rest] : rest.split(',').map((path) => path.trim());
  if (paths.includes('')) throw new AssayError('DataInvalid', `"${text}": expected NAME=PATH or NAME=PATH,PATH,... without empty paths`);
  return { name, paths };
}

/** The names that were given, else the last part of each path that tells them apart; `predictions` and `seed-*` tell nothing. */
function distinctNames(inputs: readonly Input[]): string[] {
  const short = inputs.map(({ name, paths: [path = ''] }) => {
    if (name !== null) return name;
    let place = resolve(path);
    while (/^(?:predictions|seed-\d+)$/.test(basename(place)) && dirname(place) !== place) place = dirname(place);
    return basename(place).replace(/\.(?:npz|npy|csv|parquet|jsonl|ndjson)$/i, '');
  });
  const chosen = new Set(short).size < short.length ? inputs.map(({ name, paths }) => name ?? (paths[0] as string)) : short;
  if (new Set(chosen).size === chosen.length) return chosen;
  return chosen.map((name, i) => `${name} (${i + 1})`);
}
