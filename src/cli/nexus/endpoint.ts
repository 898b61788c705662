import { ensureNexusEndpoint } from '../../client';
import { queues } from '../../contract';
import { openSession } from '../session';

const words = { made: 'made', moved: 'moved here', kept: 'there already' };

export async function endpoint(name: string, { move = false, json }: { move?: boolean; json?: boolean }): Promise<void> {
  const { client } = await openSession((line) => process.stderr.write(`${line}\n`));
  try {
    const change = await ensureNexusEndpoint(client, name, { move });
    const { namespace } = client.options;
    process.stdout.write(
      json
        ? `${JSON.stringify({ endpoint: name, namespace, taskQueue: queues.control, change }, null, 2)}\n`
        : `${name} leads to ${queues.control} in namespace ${namespace} (${words[change]})\n`,
    );
  } finally {
    await client.connection.close();
  }
}
