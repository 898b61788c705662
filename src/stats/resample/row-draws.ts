import type { Generator } from '../random/generator';
import { CellSampler } from './cell-sampler';
import { RowSampler, wholeWords } from './row-sampler';
import { argsort, type RowTable } from './rows';
import type { Weights } from './score-metrics';

/** `draw` fills `weights`, how often each row is drawn, and returns their sum; `drawn` are the weights of the items (units or rows). */
export function rowDraws(table: RowTable): { draw: (generator: Generator) => number; drawn: Weights; weights: Weights } {
  const { units, counts, total } = table;
  const rows = table.labels.length;
  if (counts !== undefined) {
    const cells = new SortedCells(counts);
    const weights = new Int32Array(rows);
    return {
      drawn: weights,
      weights,
      draw: (generator) => {
        cells.draw(generator, weights);
        return total;
      },
    };
  }
  if (units === undefined) {
    const sampler = new RowSampler(rows);
    return {
      drawn: sampler.weights,
      weights: sampler.weights,
      draw: (generator) => {
        sampler.draw(generator);
        return total;
      },
    };
  }
  const sampler = new RowSampler(units.count);
  const weights = wholeWords(rows);
  return {
    drawn: sampler.weights,
    weights,
    draw: (generator) => {
      sampler.draw(generator);
      return spread(sampler.weights, units.of, weights);
    },
  };
}

/** Each row weighs as much as its unit. */
function spread(ofUnit: Uint8Array, unitOf: Int32Array, weights: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = ofUnit[unitOf[i]!]!;
    weights[i] = weight;
    sum += weight;
  }
  return sum;
}

/** A cell sampler for counts that do not stand in descending order. */
class SortedCells {
  private readonly order: Int32Array;
  private readonly sampler: CellSampler;
  private readonly drawn: Int32Array;

  constructor(counts: Int32Array) {
    this.order = argsort(counts).reverse();
    this.drawn = new Int32Array(counts.length);
    this.sampler = new CellSampler(this.order.map((cell) => counts[cell]!));
  }

  draw(generator: Generator, weights: Int32Array): void {
    const { order, drawn } = this;
    this.sampler.draw(generator, drawn);
    for (let i = 0; i < order.length; i++) weights[order[i]!] = drawn[i]!;
  }
}
