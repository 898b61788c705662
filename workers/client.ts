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
export const openWorkflows =
  (client: Client) =>
  async (workflowId: string): Promise<boolean> => {
    try {
      return (await client.workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  };
