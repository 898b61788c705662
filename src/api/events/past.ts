import { ids } from '../../contract';
import type { Context } from '../context';
import type { Found } from '../records';
import { type Happening, happeningsReader, historyOf } from './history';

const patienceMs = 5000;

/** What the server still has of an experiment; what was read before it was forgotten, or did not answer at once. */
export async function pastOf({ client }: Context, { id, runId }: Found): Promise<Happening[]> {
  const past: Happening[] = [];
  const read = happeningsReader();
  const execution = { workflowId: ids.experimentWorkflow(id), runId };
  try {
    for await (const events of historyOf(client, execution, { wait: false, signal: AbortSignal.timeout(patienceMs) }))
      for (const event of events) past.push(...[read(event)].filter((happening) => happening !== null));
  } catch {
    // How it stands, and its end, are in the store.
  }
  return past;
}
