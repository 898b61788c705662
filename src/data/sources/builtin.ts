import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { AssayError } from '../../contract';
import { dataInvalid } from '../problem';
import { lender } from './local';
import type { SourceOptions, SourceTree } from './tree';
import { fileOf } from './walk';

/** A set that comes with scikit-learn, written into `folder`. */
export async function openBuiltin(source: string, { folder, python }: SourceOptions): Promise<SourceTree> {
  const set = source.slice('builtin:'.length);
  if (set !== 'digits') throw dataInvalid(`data.source "${source}" is no built-in set; there is builtin:digits.`);
  const path = join(folder, `${set}.csv`);
  const runtime = process.env['ASSAY_RUNTIME'] ?? runtimeFolder();
  const env = { ...process.env, PYTHONPATH: [runtime, process.env['PYTHONPATH']].filter(Boolean).join(delimiter) };
  try {
    await promisify(execFile)(python ?? 'python3', ['-m', 'assay_runtime.builtin', set, path], { env });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new AssayError(
      'ExecutorUnavailable',
      `${source} could not be made by ${python ?? 'python3'}: ${(stderr || message).trim().split('\n').at(-1)}. It needs Python with NumPy and scikit-learn.`,
      { cause: error },
    );
  }
  return {
    name: source,
    source,
    format: 'csv',
    files: [fileOf(`${set}.csv`, await stat(path))],
    root: folder,
    place: source,
    origin: () => Promise.resolve({ kind: 'builtin', name: set }),
    lend: lender(folder),
  };
}

/** `runtime/` of this package, from the sources or from dist. */
function runtimeFolder(): string {
  for (let folder = __dirname; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'runtime', 'assay_runtime'))) return join(folder, 'runtime');
  throw new AssayError('ExecutorUnavailable', 'The folder runtime/ of assay was not found. Set ASSAY_RUNTIME to it.');
}
