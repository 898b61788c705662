import type { Verdict } from '../contract';

/** 0, or 4 where `--fail-on` names the outcome; any `--fail-on` also fails on `invalid`. */
export function exitCode({ verdict }: { verdict: Verdict }, failOn: string[]): number {
  if (failOn.length === 0) return 0;
  const named = failOn.includes(verdict.outcome) || verdict.outcome === 'invalid' || (verdict.harm && failOn.includes('harm'));
  return named ? 4 : 0;
}
