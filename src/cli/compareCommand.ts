import { type CompareOptions, runCompare } from './compare';
import { exitCode } from './watch';

type Flags = Omit<CompareOptions, 'inputs' | 'metrics'> & { metric?: string[]; failOn?: string[] };

export async function compare(inputs: string[], { metric, failOn, ...options }: Flags): Promise<number> {
  const margin = typeof options.margin === 'string' && /^[\d.]+$/.test(options.margin) ? Number(options.margin) : options.margin;
  const { result, text } = await runCompare({
    ...options,
    inputs,
    ...(margin === undefined ? {} : { margin }),
    ...(metric ? { metrics: metric } : {}),
  });
  process.stdout.write(options.json ? `${JSON.stringify(result, null, 2)}\n` : `${text}\n`);
  return exitCode(result, failOn ?? []);
}
