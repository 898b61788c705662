import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { promptReconnect } from '../src/activities';

/** A client of the server that this pool works for. */
export async function connectedClient(): Promise<Client> {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return new Client({
    connection: await Connection.connect({ ...connectionOptions, channelArgs: promptReconnect }),
    namespace: namespace ?? 'default',
  });
}

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
