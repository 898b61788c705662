import { Context } from '@temporalio/activity';
import { Ref, refNames } from '../contract';
import type { Store } from '../store';

/** What an open experiment has stored, under a name of its own until a record names it: gc reaches nothing that only a history knows. */
export interface Pins {
  schema: 'assay.pins/1';
  refs: Ref[];
}

/** The same activities; the references that one of them returns are pinned for its experiment before the workflow hears of them. */
export function pinned<T extends object>(store: Store, activities: T): T {
  const wrapped = Object.entries(activities).map(([name, activity]) => [
    name,
    async (input: unknown): Promise<unknown> => {
      const output: unknown = await (activity as (input: unknown) => Promise<unknown>)(input);
      const experimentId = experimentOf(Context.current().info.workflowExecution?.workflowId ?? '');
      if (experimentId !== null) await pin(store, experimentId, refsIn(output));
      return output;
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}

export async function pin(store: Store, experimentId: string, refs: Ref[]): Promise<void> {
  if (refs.length === 0) return;
  await store.refs.update<Pins>(refNames.pins(experimentId), (old) => {
    const known = old?.refs ?? [];
    const fresh = refs.filter((ref) => !known.some(({ digest }) => digest === ref.digest));
    return { schema: 'assay.pins/1', refs: [...known, ...fresh] };
  });
}

/** After the end, when the experiment's record names all that is to stay. */
export async function unpin(store: Store, experimentId: string): Promise<void> {
  const name = refNames.pins(experimentId);
  for (let found = await store.refs.get(name); found !== null; found = await store.refs.get(name)) {
    try {
      return await store.refs.remove(name, found.version);
    } catch (error) {
      // A late activity has pinned something meanwhile.
      if ((error as Error).name !== 'RefConflict') throw error;
    }
  }
}

/** `assay/<experimentId>` and `assay/<experimentId>/<variant>/seed-<n>`. */
const experimentOf = (workflowId: string): string | null => /^assay\/([^/]+)(?:\/|$)/.exec(workflowId)?.[1] ?? null;

/** References anywhere in a plain value, each digest once. */
export function refsIn(value: unknown): Ref[] {
  const found = new Map<string, Ref>();
  const walk = (each: unknown): void => {
    if (each === null || typeof each !== 'object') return;
    const ref = Ref.safeParse(each);
    if (ref.success) found.set(ref.data.digest, ref.data);
    else for (const inner of Object.values(each)) walk(inner);
  };
  walk(value);
  return [...found.values()];
}
