import * as stats from '../../src/stats';

export const column = (pairs: readonly (readonly number[])[], j: number): number[] => pairs.map((pair) => pair[j]!);

export function shuffled<T>(values: readonly T[], seed: number): T[] {
  const generator = new stats.Generator(seed);
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = generator.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
