import { type ExperimentRecord, refNames, type Result, type SeriesRecord, type Snapshot } from '../../contract';
import { type Against, compareResults, type Side } from '../../report';
import type { Store } from '../../store';
import { readResult } from '../reportFile';

/** What is different between two finished experiments; `before` is what `after` is held against. */
export async function againstOf(store: Store, after: ExperimentRecord, before: ExperimentRecord): Promise<Against> {
  const [a, b] = await Promise.all([sideOf(store, after), sideOf(store, before)]);
  const [sharedTestRows, series] = await Promise.all([shared(store, a.result, b.result), seriesOf(store, a.result, b.result)]);
  return compareResults(a, b, { sharedTestRows, ...(series === null ? {} : { series }) });
}

async function sideOf(store: Store, record: ExperimentRecord): Promise<Side> {
  const [result, spec] = await Promise.all([readResult(store, record), orNull(store.getJson<unknown>(record.spec))]);
  return { result, spec };
}

/** Test rows that both have, by id; null where a list of them is no longer there. */
async function shared(store: Store, a: Result, b: Result): Promise<number | null> {
  const [one, other] = await Promise.all([testIds(store, a), testIds(store, b)]);
  return one === null || other === null ? null : [...one].filter((id) => other.has(id)).length;
}

async function testIds(store: Store, { snapshot }: Result): Promise<Set<string> | null> {
  const record = await orNull(store.getJson<Snapshot>({ digest: snapshot.record }));
  const rows = record === null ? null : await orNull(store.get(record.splits.test.ref));
  if (rows === null) return null;
  const lines = rows.toString('utf8').split('\n');
  return new Set(lines.filter((line) => line !== '').map((line) => String((JSON.parse(line) as { id: unknown }).id)));
}

async function seriesOf(store: Store, a: Result, b: Result): Promise<{ name: string; looks: [number, number] } | null> {
  for (const ref of await store.refs.list(refNames.series(''))) {
    const record = (await store.refs.get<SeriesRecord>(ref))?.value;
    const look = (of: Result): number | undefined => record?.looks.find(({ experimentId }) => experimentId === of.experiment)?.look;
    const [after, before] = [look(a), look(b)];
    if (record !== undefined && after !== undefined && before !== undefined) return { name: record.name, looks: [after, before] };
  }
  return null;
}

/** What is lost of a record makes the comparison poorer, not impossible. */
const orNull = <T>(reading: Promise<T>): Promise<T | null> => reading.catch(() => null);
