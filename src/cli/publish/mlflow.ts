import { setTimeout as delay } from 'node:timers/promises';
import { AssayError, mlflowPlan, type Published, type PublishProgress, type ResolvedSpec, usualMlflowPlan } from '../../contract';
import { NotPublished, publishedSentence, publishOnce } from '../../publish';
import { renderMarkdown } from '../../report';
import { sessionStore } from '../home';
import { findRecord } from '../session';

interface PublishOptions {
  uri?: string;
  json?: boolean;
}

/** Seconds before each further try of a server that is away. */
const waits = [1, 2, 4, 8];

/** Publishes a finished experiment from this terminal, with its environment. Returns the exit code. */
export async function publishMlflow(id: string, { uri, json }: PublishOptions): Promise<number> {
  const store = sessionStore();
  const { experimentId, spec, name } = await findRecord(store, id);
  const mlflow = mlflowPlan(await store.getJson<ResolvedSpec>(spec)) ?? usualMlflowPlan(name);
  const env = { ...process.env, ...(uri === undefined ? {} : { MLFLOW_TRACKING_URI: uri }) };
  const published = await patiently(() =>
    publishOnce(store, { experimentId, mlflow }, { env, onProgress: teller(), note: renderMarkdown }),
  );
  if (json) process.stdout.write(`${JSON.stringify({ id: experimentId, ...published }, null, 2)}\n`);
  else process.stdout.write(`${[publishedSentence(published), ...published.notes].join('\n')}\n`);
  return 0;
}

async function patiently(work: () => Promise<Published>): Promise<Published> {
  for (const wait of [...waits, null]) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof NotPublished)) throw error;
      if (error.kind === 'refused' || wait === null) throw new AssayError('NotPublished', error.message, { cause: error });
      process.stderr.write(`${error.message}; again in ${wait} s\n`);
      await delay(wait * 1000);
    }
  }
  throw new AssayError('Internal', 'it was tried no time');
}

/** One line a run. */
function teller(): (progress: PublishProgress) => void {
  let told = '';
  return ({ doing, done, of }) => {
    if (doing === told || doing === 'done') return;
    told = doing;
    process.stderr.write(`${String(done).padStart(String(of).length)}/${of} ${doing}\n`);
  };
}
