import {
  type Client,
  ServiceError,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { AssayError, type AuditEntry, type SteeringCommand, ids } from '../contract';

/** How long the experiment's worker may take to answer, milliseconds. */
const patience = 30_000;

/**
 * Pauses, resumes, approves and so on, once: answers with the entry of the audit trail. What is wrong in itself is `SpecInvalid`, what does
 * not fit the experiment's state `Conflict`, an id that the server does not know `NotFound`, a server or worker that does not answer
 * `ServerUnavailable`.
 */
export async function steer(client: Client, experimentId: string, { action, ...input }: SteeringCommand): Promise<AuditEntry> {
  const handle = client.workflow.getHandle(ids.experimentWorkflow(experimentId));
  try {
    return await client.withDeadline(Date.now() + patience, () =>
      handle.executeUpdate<AuditEntry, [typeof input]>(action, { args: [input] }),
    );
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw refused(experimentId, error);
    if (error instanceof WorkflowNotFoundError) throw await ended(client, experimentId, error);
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
      const message = `no worker of the control pool answered for ${experimentId} within ${patience / 1000} s: see that one runs (\`assay doctor\`), then look whether it was taken (\`assay show ${experimentId}\`)`;
      throw new AssayError('ServerUnavailable', message, { cause: error });
    }
    if (error instanceof ServiceError) {
      throw new AssayError(
        'ServerUnavailable',
        `the Temporal server did not take ${action} of ${experimentId}: ${error.message}; ask again`,
        {
          cause: error,
        },
      );
    }
    throw error;
  }
}

/** The sentence of the experiment's validator, as the kind of error that it names. */
function refused(experimentId: string, error: WorkflowUpdateFailedError): AssayError {
  const { cause } = error;
  const type = cause instanceof ApplicationFailure && cause.type === 'SpecInvalid' ? 'SpecInvalid' : 'Conflict';
  return new AssayError(type, cause?.message ?? `${experimentId} refused: ${error.message}`, { cause: error });
}

/** The server says the same of an experiment that it never had, and of one that has ended. */
async function ended(client: Client, experimentId: string, cause: WorkflowNotFoundError): Promise<AssayError> {
  const known = await client.workflow
    .getHandle(ids.experimentWorkflow(experimentId))
    .describe()
    .catch((error: unknown): WorkflowExecutionDescription | null => {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    });
  if (known === null) {
    return new AssayError('NotFound', `no experiment ${experimentId} on this server; \`assay list\` names those of the store`, { cause });
  }
  const end = known.status.name === 'COMPLETED' ? 'is done' : `has ended: ${known.status.name.toLowerCase().replaceAll('_', ' ')}`;
  return new AssayError('Conflict', `${experimentId} ${end}; \`assay show ${experimentId}\` says how`, { cause });
}
