import type { RegisteredPlan } from '../../contract';
import type { Rows } from '../prepare';
import { bootstrapSeed, type AnalysisInput } from '../types';
import { divisionsOf, type Division } from './divisions';
import { searchSpace, type SearchSpace } from './searchSpace';

/** What is the same for every candidate: the rows' ids, slices and columns in the order of `Rows`. */
export interface Frame {
  classes: readonly string[];
  idOf: (row: number) => string;
  /** Of the plan; `rows` is null where the input does not say which they are. */
  slices: { name: string; where: string; rows: Uint8Array | null }[];
  /** Columns of 2 to 20 values. */
  divisions: Division[];
  space: SearchSpace | null;
}

export function frameOf(plan: RegisteredPlan, rows: Rows, input: AnalysisInput): Frame {
  const order = orderOf(input.ids);
  const idOf = (row: number): string => input.ids[order[row] as number] as string;
  const columns = input.columns ?? [];
  return {
    classes: input.classes,
    idOf,
    slices: plan.slices.map(({ name, where }) => {
      const given = input.slices?.find((slice) => slice.name === name);
      return { name, where, rows: given === undefined ? null : Uint8Array.from(order, (row) => given.rows[row] as number) };
    }),
    divisions: columns.flatMap((column) => divisionsOf(column, order)),
    space: columns.length === 0 ? null : searchSpace(columns, order, rows, idOf, input.seed ?? bootstrapSeed),
  };
}

/** Rows by id, as `prepare` sorts them; ids mostly come sorted. */
function orderOf(ids: readonly string[]): Int32Array {
  const order = new Int32Array(ids.length);
  let sorted = true;
  for (let i = 0; i < ids.length; i++) {
    order[i] = i;
    if (i > 0 && (ids[i - 1] as string) > (ids[i] as string)) sorted = false;
  }
  return sorted ? order : order.sort((x, y) => ((ids[x] as string) < (ids[y] as string) ? -1 : 1));
}
