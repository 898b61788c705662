import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Result } from '../../contract';
import { type Cell, withDatabase } from '../../data/database';
import { type Column, writeParquet } from './table';

/** The numbers of a result as tables: metrics, run_metrics, runs, curves, comparisons, classes. */
export async function writeTables(result: Result, dir: string, scratch: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  await withDatabase(scratch, async (db) => {
    for (const [name, { columns, rows }] of Object.entries(tables(result)))
      await writeParquet(db, join(dir, `${name}.parquet`), columns, rows);
  });
}

interface Table {
  columns: Column[];
  rows: Cell[][];
}

function tables({ variants, comparisons }: Result): Record<string, Table> {
  const runs = variants.flatMap(({ name, runs: own }) => own.map((run) => ({ name, run })));
  return {
    metrics: {
      columns: [text('variant'), text('metric'), real('estimate'), real('low'), real('high'), text('method')],
      rows: variants.flatMap(({ name, metrics }) =>
        Object.entries(metrics).map(([metric, { estimate, low, high, method }]) => [name, metric, estimate, low, high, method]),
      ),
    },
    run_metrics: {
      columns: [text('variant'), whole('seed'), text('metric'), real('value')],
      rows: runs.flatMap(({ name, run: { seed, metrics } }) =>
        Object.entries(metrics).map(([metric, value]) => [name, BigInt(seed), metric, value]),
      ),
    },
    runs: {
      columns: [
        ...[text('variant'), whole('seed'), text('status'), whole('attempts'), whole('steps'), whole('samples'), real('seconds')],
        ...[text('host'), text('device'), text('image'), text('failure')],
      ],
      rows: runs.map(({ name, run }) => [
        ...[name, BigInt(run.seed), run.status, BigInt(run.attempts), BigInt(run.steps), BigInt(run.samples), run.seconds],
        ...[
          run.host ?? null,
          (run as { device?: { model: string } }).device?.model ?? null,
          run.image ?? null,
          run.failure?.message ?? null,
        ],
      ]),
    },
    curves: {
      columns: [text('variant'), whole('seed'), whole('step'), real('loss'), real('accuracy')],
      rows: runs.flatMap(({ name, run: { seed, curve } }) =>
        curve.map(({ step, loss, accuracy }) => [name, BigInt(seed), BigInt(step), loss, accuracy]),
      ),
    },
    comparisons: {
      columns: [
        ...[
          text('control'),
          text('variant'),
          text('metric'),
          text('role'),
          real('difference'),
          real('low'),
          real('high'),
          real('confidence'),
        ],
        ...[text('claim'), text('method'), real('p_value'), real('adjusted_p_value'), real('detectable_difference'), whole('n')],
      ],
      rows: comparisons.map((c) => [
        ...[c.control, c.variant, c.metric, c.role, c.difference, c.low, c.high, c.confidence],
        ...[c.claim, c.method, c.pValue, c.adjustedPValue, c.detectableDifference, BigInt(c.n)],
      ]),
    },
    classes: {
      columns: [text('variant'), text('class'), real('precision'), real('recall'), real('f1'), whole('support')],
      rows: variants.flatMap(({ name, perClass }) =>
        perClass.map(({ class: label, precision, recall, f1, support }) => [
          name,
          label,
          precision,
          recall,
          f1,
          BigInt(Math.round(support)),
        ]),
      ),
    },
  };
}

const text = (name: string): Column => ({ name, type: 'VARCHAR' });
const real = (name: string): Column => ({ name, type: 'DOUBLE' });
const whole = (name: string): Column => ({ name, type: 'BIGINT' });
