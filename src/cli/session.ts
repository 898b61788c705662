import type { Client } from '@temporalio/client';
import { configuredServer, connectTemporal, registerSearchAttributes } from '../client';
import { AssayError, type ExperimentRecord, refNames } from '../contract';
import { ensureStack, stackStatus } from '../stack';
import type { Store } from '../store';
import { homeDir, sessionStore } from './home';

export interface Session {
  client: Client;
  store: Store;
  home: string;
  /** Base address of the Temporal UI, where it is known. */
  uiUrl: string | null;
}

/** The configured server, else the embedded stack, started if need be. */
export async function openSession(onStep: (line: string) => void): Promise<Session> {
  const home = homeDir();
  if (configuredServer()) {
    const client = await connectTemporal(null);
    await registerSearchAttributes(client, { onStep });
    return { client, store: sessionStore(), home, uiUrl: process.env.ASSAY_TEMPORAL_UI ?? null };
  }
  const stack = await ensureStack({ home, onStep });
  return { client: await connectTemporal(stack), store: sessionStore(), home, uiUrl: stack.uiUrl };
}

/** A session with what already runs, or null: looking must not start servers. */
export async function joinSession(): Promise<Session | null> {
  const home = homeDir();
  if (configuredServer()) {
    return { client: await connectTemporal(null), store: sessionStore(), home, uiUrl: process.env.ASSAY_TEMPORAL_UI ?? null };
  }
  const { info: stack } = await stackStatus(home);
  return stack ? { client: await connectTemporal(stack), store: sessionStore(), home, uiUrl: stack.uiUrl } : null;
}

/** The record of an experiment by id, by an unambiguous start of one, or by the experiment's name (its latest). */
export async function findRecord(store: Store, id: string): Promise<ExperimentRecord> {
  const prefix = refNames.experiment('');
  const known = (await store.refs.list(prefix)).map((name) => name.slice(prefix.length));
  // Of the name itself, before those whose names begin with it: `digits` is not `digits-torch`.
  const named = known.filter((name) => name.startsWith(id) && /^-\d{8}-\d{6}-/.test(name.slice(id.length)));
  const chosen = known.includes(id) ? [id] : named.length > 0 ? named.slice(-1) : known.filter((name) => name.startsWith(id));
  if (chosen.length !== 1) {
    const known20 = known.slice(-20).reverse().join(', ') || 'none yet';
    throw new AssayError(
      'NotFound',
      chosen.length === 0
        ? `no experiment "${id}" in ${store.url}; known: ${known20}`
        : `"${id}" could be any of ${chosen.join(', ')}: write more of the id`,
    );
  }
  const found = await store.refs.get<ExperimentRecord>(refNames.experiment(chosen[0] as string));
  if (!found) throw new AssayError('NotFound', `the record of ${chosen[0]} is gone from ${store.url}`);
  return found.value;
}

export { workflowUrl } from '../contract/links';
