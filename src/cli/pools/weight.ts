import { setOwnerWeight } from '../../client';
import { type OwnerWeight, ids, poolNames } from '../../contract';
import { poolState } from '../gpus/gpus';
import { withServer } from './pools';

/** Of a team in queues, for what starts from now on, and among those who wait for devices, at once. */
export async function setWeight(owner: string, text: string): Promise<void> {
  const weight = text === 'none' ? null : text.trim() === '' ? Number.NaN : Number(text);
  await withServer(async ({ client, store }) => {
    await setOwnerWeight(store, { owner, weight });
    if ((await poolState(client)) !== null)
      await client.workflow.getHandle(ids.gpuPool).signal<[OwnerWeight]>(poolNames.weight, { owner, weight });
    const now =
      weight === null ? `${owner} has the usual weight of 1 again` : `${owner} gets ${weight} turns for one of a team of weight 1`;
    process.stdout.write(`${now}: of devices from now on, in queues for what starts from now on\n`);
  });
}
