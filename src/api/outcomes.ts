import { ids, type RunOutcome, type RunRecord } from '../contract';
import { ask, type Context } from './context';

const patienceMs = 3000;

/** How a run ended while its experiment goes on, as its workflow returned it; null where it has not, or the server has forgotten it. */
export async function outcomeOf(context: Context, id: string, variant: string, seed: number): Promise<RunOutcome | null> {
  const handle = context.client.workflow.getHandle(ids.variantRunWorkflow(id, variant, seed));
  return context.answers
    .get(keyOf(id, variant, seed), () =>
      ask(
        context,
        async () => ((await handle.describe()).status.name === 'COMPLETED' ? ((await handle.result()) as RunOutcome) : null),
        patienceMs,
      ),
    )
    .catch(() => null);
}

/** So that the next one who asks learns of an end that came since. */
export const forgetOutcome = ({ answers }: Context, id: string, variant: string, seed: number): void =>
  answers.forget(keyOf(id, variant, seed));

const keyOf = (id: string, variant: string, seed: number): string => `outcome ${id}/${variant}/${seed}`;

export async function recordOf({ store }: Context, outcome: RunOutcome | null): Promise<RunRecord | null> {
  return outcome?.trained ? store.getJson<RunRecord>(outcome.trained.record) : null;
}
