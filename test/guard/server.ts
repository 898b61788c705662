import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { promptReconnect } from '../../src/activities/hostReport';
import { serverArguments, temporalBinary } from '../../src/stack';
import { waitForAnswer } from '../../src/stack/health';
import { choosePorts } from '../../src/stack/ports';

/** A real server that can be killed and started again on the same data and port. */
export async function startServer() {
  const dir = mkdtempSync(join(tmpdir(), 'assay-server-'));
  const ports = await choosePorts(null);
  const address = `127.0.0.1:${ports.frontend}`;
  let server: ChildProcess;
  const up = async (): Promise<void> => {
    const binary = temporalBinary();
    if (binary === null) throw new Error('no Temporal server: npm test installs one');
    const args = serverArguments({ ports, database: join(dir, 'temporal.db'), namespace: 'default' });
    server = spawn(binary, args, { stdio: 'ignore' });
    if (!(await waitForAnswer(address, 30_000))) throw new Error('the server did not start');
  };
  const down = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  };
  await up();
  const client = new Client({ connection: await Connection.connect({ address, channelArgs: promptReconnect }), namespace: 'default' });
  return {
    ...{ address, client, up, down },
    async stop(): Promise<void> {
      await client.connection.close();
      await down();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
