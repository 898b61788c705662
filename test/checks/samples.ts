import type { Sample, SampleColumn } from '../../src/checks/samples';
import { Generator, normalQuantile } from '../../src/stats';

/** Seeded draws for samples of known law. */
export function draws(seed: number) {
  const generator = new Generator(seed);
  const normal = (): number => normalQuantile(generator.uniform());
  return {
    uniform: (): number => generator.uniform(),
    normal,
    normals: (n: number, shift = 0): Float64Array => Float64Array.from({ length: n }, () => normal() + shift),
    pick: <T>(values: readonly T[]): T => values[generator.below(values.length)]!,
  };
}

export const number = (name: string, values: ArrayLike<number>): SampleColumn => ({ name, kind: 'number', values });
export const category = (name: string, values: readonly string[]): SampleColumn => ({ name, kind: 'category', values });
export const sample = (...columns: SampleColumn[]): Sample => ({ columns });
