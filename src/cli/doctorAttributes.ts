import { configuredServer, connectTemporal, createCommand, missingSearchAttributes, registerSearchAttributes } from '../client';
import type { Finding } from './doctor';

/** Whether a server of one's own has the search attributes; the embedded one is started with them. `fix` adds what it lacks. */
export async function attributes(fix: boolean): Promise<Finding> {
  const name = 'Search attributes';
  if (configuredServer() === null) return { name, ok: true, detail: 'of the embedded server', mend: null };
  let mend = 'see the Temporal server above';
  try {
    const client = await connectTemporal(null);
    try {
      const added = fix ? await registerSearchAttributes(client) : [];
      if (added.length > 0) return { name, ok: true, detail: `added ${added.join(', ')}`, mend: null };
      const missing = await missingSearchAttributes(client);
      if (missing.length === 0) return { name, ok: true, detail: `all in namespace ${client.options.namespace}`, mend: null };
      mend = `\`assay doctor --fix\`, or: ${createCommand(client.options.namespace, missing)}`;
      return { name, ok: false, detail: `${missing.join(', ')} missing in namespace ${client.options.namespace}`, mend };
    } finally {
      await client.connection.close();
    }
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error), mend };
  }
}
