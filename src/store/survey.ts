import { AssayError } from '../contract';
import type { Backend, Entry } from './backend';
import { hexOf, parseKey, prefixes } from './keys';

/** What the replicas hold of one digest, as an object, as a pack, or as both. */
export interface Surveyed {
  digest: string;
  /** Bytes of one copy. */
  size: number;
  /** The newest copy's, milliseconds since 1970. */
  modified: number;
  keys: Map<string, { generation: number; replicas: Backend[] }>;
}

export interface Survey {
  /** By the 64 hexadecimal digits, in their order. */
  found: Map<string, Surveyed>;
  away: { url: string; reason: string }[];
}

export const majorityOf = (replicas: readonly Backend[]): number => Math.floor(replicas.length / 2) + 1;

/** Objects and packs whose digests begin with these two digits; StoreUnavailable where no majority can be asked. */
export async function survey(replicas: readonly Backend[], shard: string): Promise<Survey> {
  const found = new Map<string, Surveyed>();
  const away: Survey['away'] = [];
  const lists = await Promise.allSettled(replicas.map((replica) => keysOf(replica, shard)));
  lists.forEach((list, i) => {
    const replica = replicas[i] as Backend;
    if (list.status === 'fulfilled') for (const entry of list.value) note(found, replica, entry);
    else if (list.reason instanceof AssayError && replicas.length > 1) away.push({ url: replica.url, reason: list.reason.message });
    else throw list.reason;
  });
  if (replicas.length - away.length < majorityOf(replicas))
    throw new AssayError(
      'StoreUnavailable',
      `${majorityOf(replicas)} of ${replicas.length} replicas must say what they hold: ${away.map(({ url, reason }) => `${url}: ${reason}`).join('; ')}. Mend one of them and run it again.`,
    );
  return { found: new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1))), away };
}

async function keysOf(replica: Backend, shard: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of replica.list(`${prefixes.objects}${shard}/`)) entries.push(entry);
  for await (const entry of replica.list(`${prefixes.packs}${shard}`)) entries.push(entry);
  return entries;
}

function note(found: Map<string, Surveyed>, replica: Backend, { key, size, modified }: Entry): void {
  const parsed = parseKey(key);
  if (parsed === null) return;
  const hex = hexOf(parsed.digest);
  const known = found.get(hex) ?? { digest: parsed.digest, size, modified, keys: new Map() };
  known.size = Math.max(known.size, size);
  known.modified = Math.max(known.modified, modified);
  const copies = known.keys.get(key) ?? { generation: parsed.generation, replicas: [] };
  copies.replicas.push(replica);
  known.keys.set(key, copies);
  found.set(hex, known);
}
