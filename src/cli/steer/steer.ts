import { hostname, userInfo } from 'node:os';
import { steer } from '../../client';
import { AssayError, type AuditEntry, type SteeringCommand } from '../../contract';
import { findRecord, openSession } from '../session';
import { sessionStore } from '../home';

export type Asked = SteeringCommand extends infer C ? (C extends SteeringCommand ? Omit<C, 'by' | 'reason'> : never) : never;

export interface SteerOptions {
  reason: string;
  json?: boolean;
}

/** Asks one experiment, named by the start of its id, and says what came of it. */
export async function steerExperiment(id: string, asked: Asked, { reason, json }: SteerOptions): Promise<void> {
  const { experimentId, status } = await findRecord(sessionStore(), id);
  if (status !== 'running') {
    throw new AssayError(
      'Conflict',
      `${experimentId} is ${status}: nothing of it can be changed; \`assay show ${experimentId}\` says how it ended`,
    );
  }
  const { client } = await openSession((line) => void process.stderr.write(`${line}\n`));
  try {
    const entry = await steer(client, experimentId, { ...asked, by: caller(), reason } as SteeringCommand);
    process.stdout.write(json ? `${JSON.stringify({ experiment: experimentId, ...entry })}\n` : `${sentence(experimentId, entry)}\n`);
  } finally {
    await client.connection.close();
  }
}

const words: Record<AuditEntry['action'], string> = {
  pause: 'paused',
  resume: 'resumed',
  approve: 'approved',
  reject: 'rejected',
  stopVariant: 'stopped a variant of',
  addSeeds: 'added seeds to',
  changePriority: 'changed the class of',
};

const sentence = (id: string, { action, detail }: AuditEntry): string => `${words[action]} ${id}: ${detail}`;

/** Who asks, as this host knows them. */
function caller(): string {
  return `${userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`; // a user id without a name, as in containers
  }
}
