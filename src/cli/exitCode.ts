import type { ErrorType, Verdict } from '../contract';

/** Of `run`, `watch` and `compare`, as docs/ci.md lists them. */
export const exitCodes = { finished: 0, wrongInput: 2, failed: 3, verdict: 4, interrupted: 130 } as const;

/** 0, or 4 where `--fail-on` names the outcome; any `--fail-on` also fails on `invalid`. */
export function exitCode({ verdict }: { verdict: Verdict }, failOn: string[]): number {
  if (failOn.length === 0) return exitCodes.finished;
  const named = failOn.includes(verdict.outcome) || verdict.outcome === 'invalid' || (verdict.harm && failOn.includes('harm'));
  return named ? exitCodes.verdict : exitCodes.finished;
}

/** Whether whoever asked has to change what they gave. Predictions are an input where they are compared; those of an experiment end as its failure. */
export const isWrongInput = (type: ErrorType): boolean => wrongInput.has(type);

const wrongInput: ReadonlySet<ErrorType> = new Set(['SpecInvalid', 'DataInvalid', 'PredictionsInvalid', 'NotFound', 'Unsupported']);
