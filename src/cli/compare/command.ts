import { runCompare } from './compare';
import type { CompareOptions } from './input';
import { exitCode } from '../exitCode';
import { writeVerdict } from '../summary';

type Flags = Omit<CompareOptions, 'inputs' | 'metrics' | 'guardrails' | 'slices'> & {
  metric: string[];
  guardrail: string[];
  slice: string[];
  json?: boolean;
  failOn?: string[];
  summary?: string;
};

/** Returns the exit code. */
export async function compare(inputs: string[], { metric, guardrail, slice, json, failOn, summary, ...options }: Flags): Promise<number> {
  const { result, text } = await runCompare({
    ...options,
    inputs,
    guardrails: guardrail,
    slices: slice,
    ...(metric.length > 0 ? { metrics: metric } : {}),
  });
  if (summary !== undefined) await writeVerdict(summary, { ...result, name: 'compare', failures: [], cost: [], links: [] });
  process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : `${text}\n`);
  return exitCode(result, failOn ?? []);
}
