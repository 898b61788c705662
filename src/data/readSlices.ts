import { mkdir } from 'node:fs/promises';
import type { Snapshot } from '../contract';
import { withDatabase } from './database';
import { loadTable } from './loadTable';
import { dataInvalid, didYouMean } from './problem';
import { knownColumns } from './profile/kinds';
import { type Slice, sliceMasks } from './slices';

/** Which rows of a data file meet each condition, in the file's order; `place` names the conditions in messages. */
export async function readSlices({
  path,
  format,
  name,
  workDir,
  id,
  slices,
  place = 'slice',
}: {
  path: string;
  format: Exclude<Snapshot['format'], 'folder'>;
  name: string;
  workDir: string;
  /** Column that names the rows; default their number in the file, from 0. */
  id?: string | undefined;
  slices: readonly Slice[];
  place?: string;
}): Promise<{ ids: string[]; slices: { name: string; rows: Uint8Array }[] }> {
  await mkdir(workDir, { recursive: true });
  return await withDatabase(workDir, async (db) => {
    const loaded = await loadTable(db, 'raw', format, path, name);
    const columns = await knownColumns(db, { from: 'raw', columns: loaded.columns.map((title, i) => ({ name: title, column: `c${i}` })) });
    const at = id === undefined ? null : loaded.columns.indexOf(id);
    if (at === -1) throw dataInvalid(`${name} has no column "${id}"; ${didYouMean(id ?? '', loaded.columns)}`);
    const masks = await sliceMasks(db, { from: 'raw', rows: loaded.rows, columns }, slices, place);
    const ids: string[] = [];
    for await (const [title] of db.rows(`SELECT CAST(${at === null ? 'rowid' : `c${at}`} AS VARCHAR) FROM raw ORDER BY rowid`))
      ids.push(String(title));
    return { ids, slices: slices.map((slice, i) => ({ name: slice.name, rows: masks[i] ?? new Uint8Array(0) })) };
  });
}
