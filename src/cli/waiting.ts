import type { Client } from '@temporalio/client';
import { type Waits, waitsOf } from '../client';
import { pc } from './colours';

/** For `show --waiting`: what each run waits for, the nearest cause first. */
export async function waiting(client: Client, experimentId: string): Promise<{ waits: Waits; text: string }> {
  const waits = await waitsOf(client, experimentId);
  const rows = [
    { title: 'the experiment', chain: waits.experiment },
    ...waits.runs.map(({ variant, seed, state, host, epoch, chain }) => {
      const where = host === null ? '' : ` on ${host}`;
      return { title: `${variant} seed ${seed}, ${state}${where}, start ${epoch}`, chain };
    }),
  ];
  const lines = rows.flatMap(({ title, chain }) => [
    pc.bold(title),
    ...(chain.length > 0 ? chain : ['waits for nothing']).map((line) => `  ${line}`),
  ]);
  return { waits, text: lines.join('\n') };
}
