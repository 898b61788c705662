import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { promptReconnect } from '../src/activities';
import { clientInterceptors } from '../src/observability';
import { type PlaceInLine, ids, poolNames } from '../src/contract';

/** A client of the server that this pool works for. */
export async function connectedClient(): Promise<Client> {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return new Client({
    connection: await Connection.connect({ ...connectionOptions, channelArgs: promptReconnect }),
    namespace: namespace ?? 'default',
    interceptors: { workflow: await clientInterceptors('assay-worker', { roots: false }) },
  });
}

/** Where a request for a lease stands; null where no pool answers, or it does not know the request. */
export const placeInLine =
  (client: Client) =>
  (requestId: string): Promise<PlaceInLine | null> =>
    client.workflow
      .getHandle(ids.gpuPool)
      .query<PlaceInLine | null, [string]>(poolNames.place, requestId)
      .catch(() => null);

/** Whether a workflow is still running. */
export const openWorkflows = (client: Client) => async (workflowId: string) => (await statusOf(client, workflowId)) === 'RUNNING';

/** Whether a workflow is known and over; one that the server never knew, or has forgotten, is not. */
export const endedWorkflows =
  (client: Client) =>
  async (workflowId: string): Promise<boolean> => {
    const status = await statusOf(client, workflowId);
    return status !== null && status !== 'RUNNING';
  };

async function statusOf(client: Client, workflowId: string): Promise<string | null> {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).status.name;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
