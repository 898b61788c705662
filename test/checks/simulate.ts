import type { ColumnProfile } from '../../src/contract';
import { categoryNoise, numberNoise, profileCategories, profileNumbers, sampleUnits } from '../../src/data/profile';
import { Generator } from '../../src/stats';

/** Columns of data without any change, drawn from one generator. */
export class Draw {
  readonly #generator: Generator;

  constructor(seed: number) {
    this.#generator = new Generator(seed);
  }

  uniform(): number {
    return this.#generator.uniform();
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  numbers(name: string, rows: number, value: () => number): ColumnProfile {
    return profileNumbers(name, Float64Array.from({ length: rows }, value));
  }

  categories(name: string, rows: number, value: () => string): ColumnProfile {
    return profileCategories(name, Array.from({ length: rows }, value));
  }

  /** Values and categories that units of 1 to `largest` rows have in common, with or without what the profile knows of the units. */
  clustered(units: number, largest: number, noise: boolean): ColumnProfile[] {
    const values: number[] = [];
    const kinds: string[] = [];
    const rows: [number, string][] = [];
    for (let unit = 0; unit < units; unit++) {
      const [middle, kind] = [this.normal(), this.#generator.below(4)];
      for (let left = 1 + this.#generator.below(largest); left > 0; left--) {
        rows.push([rows.length, `unit ${unit}`]);
        values.push(middle + this.normal());
        kinds.push('abcd'[this.uniform() < 0.7 ? kind : this.#generator.below(4)]!);
      }
    }
    const number = profileNumbers('clustered number', Float64Array.from(values));
    const category = profileCategories('clustered category', kinds);
    const sample = sampleUnits(rows);
    if (!noise || sample === null) return [number, category];
    return [
      { ...number, noise: numberNoise(Float64Array.from(values), sample)! },
      {
        ...category,
        noise: categoryNoise(
          Array.from(sample.rows, (row) => kinds[row]!),
          sample,
        )!,
      },
    ];
  }
}
