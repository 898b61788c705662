import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type ResolvedSpec, splitNames } from '../contract';
import { type Database, quoted } from './database';
import { loadTable } from './loadTable';
import { dataInvalid, didYouMean } from './problem';
import { formatOf } from './source';

/** Fills `members(id, split)` from the files that name the ids of each split: one a line in `.txt`, or a table with the id column. */
export async function loadMembers(
  db: Database,
  spec: ResolvedSpec,
  split: { train: string; validation?: string | undefined; test: string },
  name: string,
): Promise<void> {
  const idColumn = spec.data.id ?? 'id';
  await db.run('CREATE TABLE members (id VARCHAR, split VARCHAR)');
  for (const part of splitNames) {
    const file = split[part];
    if (file === undefined) continue;
    const path = resolve(spec.root, file);
    const format = formatOf(path);
    const missing = (error: unknown): never => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        throw dataInvalid(`data.split.${part}: ${path} does not exist. It lists the ids of that split.`, error);
      throw error;
    };
    if (format === undefined || format === 'npz' || format === 'folder') {
      const ids = (await readFile(path, 'utf8').catch(missing)).split(/\r?\n/).filter((line) => line !== '');
      await db.append(
        'members',
        ids.map((id) => [id, part]),
      );
    } else {
      const table = await loadTable(db, `ids_${part}`, format, path, basename(path)).catch(missing);
      const index = table.columns.indexOf(idColumn);
      if (index < 0)
        throw dataInvalid(`data.split.${part}: ${basename(path)} has no column "${idColumn}"; ${didYouMean(idColumn, table.columns)}`);
      await db.run(`INSERT INTO members SELECT CAST(c${index} AS VARCHAR), ${quoted(part)} FROM ids_${part}`);
    }
  }
  const [twice, first, second] = await db.first(
    'SELECT id, min(split), max(split) FROM members GROUP BY id HAVING count(*) > 1 ORDER BY id LIMIT 1',
  );
  if (twice !== undefined)
    throw dataInvalid(
      first === second
        ? `data.split.${first}: the id "${twice}" is listed twice. List each id once.`
        : `data.split: the id "${twice}" is listed in ${first} and in ${second}. An example belongs to one split.`,
    );
  const [unknown, part] = await db.first('SELECT m.id, m.split FROM members m ANTI JOIN examples e ON e.id = m.id ORDER BY m.id LIMIT 1');
  if (unknown !== undefined) throw dataInvalid(`data.split.${part}: the id "${unknown}" is not in ${name}. Correct the list, or the data.`);
}
