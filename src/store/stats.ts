import { registersOf } from './consensus';
import { prefixes } from './keys';
import { Marks, shards } from './marks';
import type { Store } from './store';
import { survey } from './survey';

export interface StoreStats {
  url: string;
  /** Different digests with a key of their own, packs apart; bytes of one copy each. */
  objects: number;
  packs: number;
  bytes: number;
  /** Objects that lie in packs. */
  packed: number;
  names: number;
  /** Marked by gc, or being deleted. */
  marked: number;
  /** Copies in each replica; null where it does not answer. */
  replicas: { url: string; objects: number | null; packs: number | null; bytes: number | null }[];
}

/** Counts what a store holds, by listing it. */
export async function storeStats(store: Store): Promise<StoreStats> {
  const replicas = store.replicas.map(({ url }) => ({ url, objects: 0, packs: 0, bytes: 0 }));
  const away = new Set<string>();
  const stats = { url: store.url, objects: 0, packs: 0, bytes: 0, packed: 0, names: (await store.refs.list('')).length, marked: 0 };
  for (const shard of shards) {
    const surveyed = await survey(store.replicas, shard);
    for (const { url } of surveyed.away) away.add(url);
    for (const { size, keys } of surveyed.found.values()) {
      const isPack = [...keys.keys()].some((key) => key.startsWith(prefixes.packs));
      stats[isPack ? 'packs' : 'objects']++;
      stats.bytes += size;
      for (const copies of keys.values())
        for (const holder of copies.replicas) {
          const own = replicas.find(({ url }) => url === holder.url);
          if (own === undefined) continue;
          own[isPack ? 'packs' : 'objects']++;
          own.bytes += size;
        }
    }
  }
  for await (const { pack } of store.list()) if (pack !== null) stats.packed++;
  const registers = registersOf(store.replicas);
  const marks = new Marks(registers, { cacheMilliseconds: 0 });
  for await (const { key } of registers.list(prefixes.marks))
    for (const { state } of (await marks.read(key.slice(prefixes.marks.length, -'.json'.length))).values())
      if (state === 'marked' || state === 'deleting') stats.marked++;
  return {
    ...stats,
    replicas: replicas.map((own) => (away.has(own.url) ? { url: own.url, objects: null, packs: null, bytes: null } : own)),
  };
}
