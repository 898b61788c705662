import type { SplitName } from '../contract';

/** The pairs of splits that leaks are looked for in, the worst first. */
export const splitPairs: readonly [SplitName, SplitName][] = [
  ['train', 'test'],
  ['validation', 'test'],
  ['train', 'validation'],
];
