import { runCompare } from './compare';
import type { CompareOptions } from './input';
import { exitCode } from '../exitCode';

type Flags = Omit<CompareOptions, 'inputs' | 'metrics' | 'guardrails' | 'slices'> & {
  metric: string[];
  guardrail: string[];
  slice: string[];
  json?: boolean;
  failOn?: string[];
};

/** Returns the exit code. */
export async function compare(inputs: string[], { metric, guardrail, slice, json, failOn, ...options }: Flags): Promise<number> {
  const { result, text } = await runCompare({
    ...options,
    inputs,
    guardrails: guardrail,
    slices: slice,
    ...(metric.length > 0 ? { metrics: metric } : {}),
  });
  process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : `${text}\n`);
  return exitCode(result, failOn ?? []);
}
