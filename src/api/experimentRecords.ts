import { type ExperimentRecord, type ProvenanceObject, refNames } from '../contract';
import type { Store } from '../store';
import { SharedAnswers } from './sharedAnswers';

/** Of a record that has ended only the note on where it is published can still change. */
const keptMs = 10_000;
/** Records kept, of about 2 kB each. */
const mostKept = 2000;

/** What the store knows of experiments, for many who ask for it again and again: what that costs does not grow with their number. */
export class ExperimentRecords {
  readonly #store: Store;
  readonly #ids = new SharedAnswers();
  readonly #ended = new Map<string, { record: ExperimentRecord; until: number }>();
  /** By provenance. */
  readonly #users = new Map<string, string | null>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Newest first. One that was just started is there within a second. */
  ids(): Promise<readonly string[]> {
    return this.#ids.get('ids', async () => {
      const prefix = refNames.experiment('');
      const found = (await this.#store.refs.list(prefix)).map((name) => name.slice(prefix.length));
      const keys = new Map(found.map((id) => [id, sortKey(id)]));
      return found.sort((a, b) => ((keys.get(a) ?? '') < (keys.get(b) ?? '') ? 1 : -1));
    });
  }

  /** Null between the start and the first step of the workflow, and where there is none of that id. */
  async get(id: string): Promise<ExperimentRecord | null> {
    const kept = this.#ended.get(id);
    if (kept !== undefined && performance.now() < kept.until) return kept.record;
    this.#ended.delete(id);
    const record = (await this.#store.refs.get<ExperimentRecord>(refNames.experiment(id)))?.value ?? null;
    if (record !== null && record.status !== 'running') keep(this.#ended, id, { record, until: performance.now() + keptMs });
    return record;
  }

  /** Who started it; null where nobody is known. */
  async user({ provenance }: ExperimentRecord): Promise<string | null> {
    const known = this.#users.get(provenance.digest);
    if (known !== undefined) return known;
    const { user } = await this.#store.getJson<ProvenanceObject>(provenance);
    keep(this.#users, provenance.digest, user);
    return user;
  }
}

const idParts = /^(.*)-(\d{8}-\d{6})-([^-]*)$/;

/** The name in the experiment file. */
export const nameOf = (id: string): string => idParts.exec(id)?.[1] ?? id;

/** Orders ids by time; the rest makes it unique. */
export const sortKey = (id: string): string => id.replace(idParts, '$2-$3-$1');

/** The oldest entry makes room. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  const oldest = map.keys().next();
  if (map.size >= mostKept && !oldest.done) map.delete(oldest.value);
  map.set(key, value);
}
