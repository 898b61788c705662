import { AssayError } from '../../contract';
import { formatters } from '../../report';
import { sessionStore } from '../home';
import { progressLine } from '../progressLine';
import { findRecord } from '../session';
import { exportExperiment } from './index';
import { type Part, parts } from './parts';

export async function exportCommand(
  id: string,
  options: { output: string; only?: string[]; models?: boolean; json?: boolean },
): Promise<void> {
  const store = sessionStore();
  const wanted = partsOf(options);
  const record = await findRecord(store, id);
  const line = progressLine('exporting');
  const done = await exportExperiment(store, record, options.output, { parts: wanted, onProgress: line.show }).finally(() => line.end());
  if (options.json) process.stdout.write(`${JSON.stringify(done, null, 2)}\n`);
  else {
    process.stdout.write(`${done.folder}\n`);
    process.stderr.write(`${formatters.formatCount(done.files)} files, ${formatters.formatBytes(done.bytes)}; result ${done.result}\n`);
    if (done.models > 0 && !wanted.has('models'))
      process.stderr.write(`without the trained models (${formatters.formatBytes(done.models)}): --models brings them\n`);
  }
}

function partsOf({ only, models }: { only?: string[]; models?: boolean }): Set<Part> {
  const known: readonly string[] = parts;
  const wrong = only?.find((part) => !known.includes(part));
  if (wrong !== undefined) throw new AssayError('SpecInvalid', `--only: "${wrong}" is no part; expected ${parts.join(', ')}`);
  const chosen = new Set((only as Part[] | undefined) ?? parts.filter((part) => part !== 'models'));
  if (models === true) chosen.add('models');
  if (models === false) chosen.delete('models');
  return chosen;
}
