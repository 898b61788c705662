import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AssayError, type Result } from '../../contract';
import type { NpyArray } from '../../contract/npy';
import { type Cell, withDatabase } from '../../data/database';
import { runFolder } from '../../publish/contents';
import { type NpyFile, npyFile } from './npyFile';
import { type Column, writeParquet } from './table';

/** `predictions.parquet` beside each run's arrays: variant, seed, id, label, prediction, and a score a class. */
export async function writePredictions({ variants, snapshot }: Result, dir: string, scratch: string): Promise<void> {
  await withDatabase(scratch, async (db) => {
    for (const { name: variant, runs } of variants)
      for (const { seed } of runs) {
        const folder = join(dir, runFolder({ variant, seed }));
        const arrays = join(folder, 'predictions');
        if (!existsSync(arrays)) continue;
        const [ids, labels, scores] = await Promise.all([array(arrays, 'ids'), array(arrays, 'labels'), array(arrays, 'scores')]);
        if (ids.rows !== labels.rows || ids.rows !== scores.rows)
          throw new AssayError(
            'PredictionsInvalid',
            `${arrays}: ${ids.rows} ids, ${labels.rows} labels and ${scores.rows} rows of scores; expected as many of each`,
          );
        const rows = tableRows({ variant, seed, ids, labels, scores, classes: snapshot.classes });
        await writeParquet(db, join(folder, 'predictions.parquet'), columnsOf(ids, scores, snapshot.classes), rows);
      }
  });
}

const array = (folder: string, name: string): Promise<NpyFile> => npyFile(join(folder, `${name}.npy`));

function columnsOf(ids: NpyFile, scores: NpyFile, classes: readonly string[]): Column[] {
  // Names of columns do not differ by case alone.
  const distinct = new Set(classes.map((name) => name.toLowerCase())).size === classes.length;
  return [
    { name: 'variant', type: 'VARCHAR' },
    { name: 'seed', type: 'BIGINT' },
    { name: 'id', type: isWhole(ids) ? 'BIGINT' : 'VARCHAR' },
    { name: 'label', type: 'VARCHAR' },
    { name: 'prediction', type: 'VARCHAR' },
    ...Array.from({ length: scores.width }, (_, i): Column => {
      return { name: `score_${distinct ? (classes[i] ?? i) : i}`, type: scores.dtype.endsWith('f4') ? 'FLOAT' : 'DOUBLE' };
    }),
  ];
}

const isWhole = ({ dtype }: NpyFile): boolean => /^.[iu][124]$|^.i8$/.test(dtype);

async function* tableRows({
  variant,
  seed,
  ids,
  labels,
  scores,
  classes,
}: {
  variant: string;
  seed: number;
  ids: NpyFile;
  labels: NpyFile;
  scores: NpyFile;
  classes: readonly string[];
}): AsyncGenerator<Cell[]> {
  const [id, label, score] = [new Cursor(ids), new Cursor(labels), new Cursor(scores)];
  const whole = isWhole(ids);
  const seedCell = BigInt(seed);
  try {
    for (let row = 0; row < ids.rows; row++) {
      for (const cursor of [id, label, score]) if (cursor.isEmpty) await cursor.load();
      const name = String(id.next());
      const cells: Cell[] = [variant, seedCell, whole ? BigInt(name) : name, classes[Number(label.next())] ?? null, null];
      // The lowest index on ties, as the run contract has it.
      let best = 0;
      for (let column = 0; column < scores.width; column++) {
        const value = Number(score.next());
        cells.push(value);
        if (value > (cells[5 + best] as number)) best = column;
      }
      cells[4] = classes[best] ?? String(best);
      yield cells;
    }
  } finally {
    for (const cursor of [id, label, score]) await cursor.close();
  }
}

/** One value after the other; a chunk has whole rows, so that only its end is waited at. */
class Cursor {
  readonly #chunks: AsyncGenerator<NpyArray['values']>;
  #values: ArrayLike<number | bigint | string> = [];
  #at = 0;

  constructor(file: NpyFile) {
    this.#chunks = file.chunks();
  }

  get isEmpty(): boolean {
    return this.#at >= this.#values.length;
  }

  async load(): Promise<void> {
    const { value } = await this.#chunks.next();
    this.#values = (value as NpyArray['values'] | undefined) ?? [];
    this.#at = 0;
  }

  async close(): Promise<void> {
    await this.#chunks.return(undefined);
  }

  next(): number | bigint | string | undefined {
    return this.#values[this.#at++];
  }
}
