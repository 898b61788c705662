import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PlanningInput } from '../../analysis';
import type { ResolvedSpec } from '../../contract';
import { openSource, tableOf } from '../../data';
import { assignSplits } from '../../data/assign';
import { withDatabase } from '../../data/database';
import { examplesOfFolder, examplesOfTable } from '../../data/examples';
import { loadTable } from '../../data/loadTable';
import { sessionStore } from '../home';

/** The test split that an experiment would draw, and the unit of each example where units are named. */
export interface TestRows {
  test: PlanningInput['test'];
  /** By id, of every example; null without units. */
  unitOf: Map<string, string> | null;
}

/** Splits the source as a run would, and stores nothing. */
export async function countTestRows(spec: ResolvedSpec): Promise<TestRows> {
  const workDir = await mkdtemp(join(tmpdir(), 'assay-plan-'));
  try {
    return await withDatabase(workDir, async (db, folder) => {
      const { source } = spec.data;
      const python = source.startsWith('builtin:')
        ? await (await import('../../stack/index.js')).trainerPython().catch(() => undefined)
        : undefined;
      const tree = await openSource({ source, root: spec.root }, { folder, python, store: sessionStore() });
      if (tree.format === 'folder') {
        // A folder's split goes by path, so that no file need be read.
        const files = tree.files.map(({ path, size }) => ({ path, size, digest: path }));
        await examplesOfFolder(db, { files }, tree.name);
      } else {
        const { path, format, name } = await tableOf(tree, folder);
        await examplesOfTable(db, spec, await loadTable(db, 'raw', format, path, name), name);
      }
      const { rows } = await assignSplits(db, spec, tree.name, folder);
      const counts = async (column: 'label' | 'unit'): Promise<number[]> => {
        const found: number[] = [];
        const test = `SELECT count(*) FROM examples e JOIN assigned a ON a.row = e.row WHERE a.split = 'test' GROUP BY e.${column} ORDER BY e.${column}`;
        for await (const [count] of db.rows(test)) found.push(Number(count));
        return found;
      };
      const sizes = spec.data.unit === undefined ? null : await counts('unit');
      const unitOf = spec.data.unit === undefined ? null : new Map<string, string>();
      if (unitOf !== null) for await (const [id, unit] of db.rows('SELECT id, unit FROM examples')) unitOf.set(String(id), String(unit));
      return {
        test: {
          rows: rows.test,
          units: sizes === null ? null : sizes.length,
          // Kish's effective number, with all rows of a unit alike.
          effective: sizes === null ? rows.test : rows.test ** 2 / sizes.reduce((sum, size) => sum + size ** 2, 0),
          classes: await counts('label'),
        },
        unitOf,
      };
    });
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
}
