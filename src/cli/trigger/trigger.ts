import { hostname, userInfo } from 'node:os';
import { WorkflowFailedError } from '@temporalio/client';
import { checkTriggers, configureTriggers, experimentResult, submitTrigger, triggersRecord, triggersState, untilBegun } from '../../client';
import { AssayError, type TriggerPolicy, type TriggersState, ids } from '../../contract';
import { readValue } from '../../contract/specYaml';
import { pc } from '../colours';
import { sessionStore } from '../home';
import { provenance } from '../provenance';
import { readSpec } from '../run';
import { joinSession, openSession, workflowUrl } from '../session';
import { conclude } from '../watch';

interface TriggerOptions {
  set: string[];
  by?: string;
  reason: string;
  key?: string;
  policy?: TriggerPolicy;
  quiet?: number;
  wait?: boolean;
  json?: boolean;
}

/** Asks the queue, which is made where there is none, and says which experiment it is. */
export async function trigger(name: string, file: string | undefined, options: TriggerOptions): Promise<void> {
  const { by = whoAsks(), reason, key, policy, quiet } = options;
  if (file === undefined && (policy !== undefined || quiet !== undefined))
    throw new AssayError('SpecInvalid', `--policy and --quiet are of the queue: name its file as well, assay trigger ${name} FILE`);
  const settings = { ...(policy ? { policy } : {}), ...(quiet === undefined ? {} : { quietSeconds: quiet }) };
  checkTriggers(name, settings);
  const set = Object.fromEntries(options.set.map(assignment));
  // Looked for first, which starts nothing.
  const read = file === undefined ? await triggersRecord(sessionStore(), name).then(() => null) : await readSpec(file, {});

  const { client, store, uiUrl } = await openSession(say);
  try {
    if (read !== null) {
      const { spec, text } = read;
      const whence = await provenance({ store, root: spec.root, spec: '', source: spec.data.source });
      await configureTriggers({ client, store }, name, { spec, source: text, provenance: whence }, settings);
    }
    const answer = await submitTrigger({ client, store }, name, { by, reason, set, ...(key === undefined ? {} : { key }) });
    const { experimentId, before, joined } = answer;
    const url = workflowUrl(uiUrl, client.options.namespace, ids.experimentWorkflow(experimentId));
    say(
      `${experimentId}: ${joined ? 'asked for already' : 'new'}, ${before === 0 ? 'next' : `after ${before} other`}${url ? `  ${url}` : ''}`,
    );
    if (!options.wait) {
      process.stdout.write(options.json ? `${JSON.stringify({ ...answer, url }, null, 2)}\n` : `${experimentId}\n`);
      return;
    }
    await untilBegun({ client, store }, name, experimentId);
    await ended(client, experimentId);
    await conclude(store, experimentId, options);
  } finally {
    await client.connection.close();
  }
}

/** `assay show triggers/NAME` */
export async function showTriggers(name: string, { json }: { json?: boolean }): Promise<void> {
  const record = await triggersRecord(sessionStore(), name);
  const session = await joinSession();
  const state = session && (await triggersState(session.client, name));
  await session?.client.connection.close();
  if (json) {
    process.stdout.write(`${JSON.stringify({ triggers: record, state }, null, 2)}\n`);
    return;
  }
  const { experiment, policy, quietSeconds } = record.settings;
  const how = policy === 'each' ? 'one experiment a trigger' : `one experiment for triggers within ${quietSeconds} s, or while one runs`;
  process.stdout.write(
    [
      `${pc.bold(record.name)}  ${experiment}: ${how}`,
      ...(state ? lines(state) : ['no server knows it: it was never asked, or was cancelled']),
      '',
    ].join('\n'),
  );
}

function lines({ current, queue, last, accepted, refused }: TriggersState): string[] {
  return [
    `taken    ${accepted}${refused === 0 ? '' : `, ${refused} refused`}`,
    ...(current === null ? [] : [`running  ${current.experimentId}  ${current.by}  ${current.reason}`]),
    ...queue
      .slice(0, 20)
      .map(
        ({ experimentId, by, reason, triggers }) =>
          `waiting  ${experimentId}  ${by}  ${reason}${triggers > 1 ? `  (${triggers} triggers)` : ''}`,
      ),
    ...(queue.length > 20 ? [`and ${queue.length - 20} more`] : []),
    ...last.map(
      ({ experimentId, at, status, verdict, sentence }) =>
        `${status.padEnd(8)} ${experimentId}  ${at.slice(0, 16).replace('T', ' ')}  ${verdict ?? ''}  ${sentence}`,
    ),
  ];
}

/** However it ended: the record says. */
async function ended(client: Parameters<typeof experimentResult>[0], experimentId: string): Promise<void> {
  await experimentResult(client, experimentId).catch((error: unknown) => {
    if (!(error instanceof WorkflowFailedError)) throw error;
  });
}

function assignment(text: string): [string, unknown] {
  const at = text.indexOf('=');
  if (at < 1) throw new AssayError('SpecInvalid', `--set ${text}: expected key.path=value, e.g. --set training.batchSize=32`);
  const read = readValue(text.slice(at + 1));
  if ('value' in read) return [text.slice(0, at), read.value];
  throw new AssayError('SpecInvalid', `--set ${text}: ${read.message}`);
}

function whoAsks(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return hostname(); // a user id without a name, as in containers
  }
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
