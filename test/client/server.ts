import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Client, Connection } from '@temporalio/client';
import { temporalBinary } from '../../src/stack';
import { waitForAnswer } from '../../src/stack/health';
import { choosePorts } from '../../src/stack/ports';

/** A server of somebody else: in memory, without anything that assay sets up in its own. */
export async function foreignServer() {
  const binary = temporalBinary();
  if (binary === null) throw new Error('no Temporal server: npm test installs one');
  const ports = await choosePorts(null);
  const address = `127.0.0.1:${ports.frontend}`;
  const options = ['--ip', '127.0.0.1', '--port', String(ports.frontend), '--headless', '--disable-config-file', '--disable-config-env'];
  const server: ChildProcess = spawn(binary, ['server', 'start-dev', ...options], { stdio: 'ignore' });
  if (!(await waitForAnswer(address, 30_000))) throw new Error('the server did not start');
  const connection = await Connection.connect({ address });
  return {
    address,
    /** A client of a namespace of its own, since attributes are the namespace's. */
    async inNamespace(namespace: string): Promise<Client> {
      const described = { namespace, workflowExecutionRetentionPeriod: { seconds: 86_400 as unknown as Long } };
      await connection.workflowService.registerNamespace(described);
      const client = new Client({ connection, namespace });
      // A new namespace is known a moment later.
      while (!(await client.workflow.count('').catch(() => null))) await new Promise((done) => setTimeout(done, 200));
      return client;
    },
    async stop(): Promise<void> {
      await connection.close();
      const gone = once(server, 'exit');
      server.kill('SIGTERM');
      await gone;
    },
  };
}

type Long = NonNullable<
  NonNullable<Parameters<Connection['workflowService']['registerNamespace']>[0]['workflowExecutionRetentionPeriod']>['seconds']
>;
