// Proves: one epoch of a run writes at a time, the newest three checkpoints stay, and a damaged one costs no more than itself.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCheckpoints } from '../../src/activities/checkpoints';
import { type CheckpointRecord, type Ref, type RunKey, mediaTypes, refNames } from '../../src/contract';
import type { Store } from '../../src/store';
import { filesBelow, freshStore, removeTemporaryFolders, temporaryFolder } from '../store/helpers';

const key: RunKey = { experimentId: 'digits-1', variant: 'mlp', seed: 3 };

let store: Store;
let root: string;
let checkpoints: ReturnType<typeof runCheckpoints>;

beforeEach(() => {
  ({ store, root } = freshStore());
  checkpoints = runCheckpoints(store, key);
});
afterEach(removeTemporaryFolders);

describe('an epoch that is over', () => {
  beforeEach(async () => {
    await checkpoints.open(1);
    await checkpoints.add(1, await checkpoint(10, 1));
    await checkpoints.open(2);
  });

  it('cannot open the record again', async () => {
    await expect(checkpoints.open(1)).rejects.toMatchObject({
      type: 'Preempted',
      message: 'epoch 1 of mlp seed 3 is over: epoch 2 has begun',
    });
  });

  it('cannot add a late checkpoint', async () => {
    await expect(checkpoints.add(1, await checkpoint(20, 1))).rejects.toMatchObject({ type: 'Preempted' });
    expect(await steps()).toEqual([10]);
  });

  it('leaves its checkpoints to the next', async () => {
    expect(await checkpoints.open(2)).toMatchObject({ epoch: 2, checkpoints: [{ step: 10, epoch: 1 }] });
  });
});

describe('the record', () => {
  it('may be opened again by the same epoch, for the worker that adopts', async () => {
    await checkpoints.open(1);
    await checkpoints.add(1, await checkpoint(10, 1));
    expect((await checkpoints.open(1)).checkpoints.map((c) => c.step)).toEqual([10]);
  });

  it('keeps the newest three', async () => {
    await checkpoints.open(1);
    for (const step of [10, 20, 30, 40, 50]) await checkpoints.add(1, await checkpoint(step, 1));
    expect(await steps()).toEqual([30, 40, 50]);
  });

  it('forgets what lies beyond the step that a later epoch went on from', async () => {
    await checkpoints.open(1);
    for (const step of [10, 20, 30]) await checkpoints.add(1, await checkpoint(step, 1));
    await checkpoints.open(2);
    await checkpoints.add(2, await checkpoint(20, 2));
    expect((await checkpoints.open(2)).checkpoints).toMatchObject([
      { step: 10, epoch: 1 },
      { step: 20, epoch: 2 },
    ]);
  });

  it('is of one run: another seed has its own', async () => {
    await checkpoints.open(5);
    expect(await runCheckpoints(store, { ...key, seed: 4 }).open(1)).toMatchObject({ epoch: 1, checkpoints: [] });
  });
});

describe('restoring', () => {
  beforeEach(async () => {
    await checkpoints.open(1);
    for (const step of [10, 20]) await checkpoints.add(1, await checkpoint(step, 1));
  });

  it('takes the newest, with the events up to it', async () => {
    const findings: string[] = [];
    const from = await checkpoints.restore(await checkpoints.open(2), join(temporaryFolder(), 'resume'), findings);
    expect(from?.checkpoint.step).toBe(20);
    expect(from?.events.toString()).toBe('events to 20');
    expect(readFileSync(join(from?.dir as string, 'state.bin'), 'utf8')).toBe('state of epoch 1 at 20');
    expect(findings).toEqual([]);
  });

  it('sets a corrupt checkpoint aside with a finding and takes the one before', async () => {
    const record = await checkpoints.open(2);
    damage('state of epoch 1 at 20');
    const dir = join(temporaryFolder(), 'resume');
    const findings: string[] = [];
    const from = await checkpoints.restore(record, dir, findings);
    expect(from?.checkpoint.step).toBe(10);
    expect(readFileSync(join(from?.dir as string, 'state.bin'), 'utf8')).toBe('state of epoch 1 at 10');
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatch(/^checkpoint step-20 set aside: .*sha256/);
    // No half of it is left for a trainer to find.
    expect(readdirSync(dir)).toEqual(['step-10']);
  });

  it('sets a checkpoint aside whose events are gone', async () => {
    const record = await checkpoints.open(2);
    rmSync(objectPath(record.checkpoints.at(-1)?.events as Ref));
    const findings: string[] = [];
    const from = await checkpoints.restore(record, join(temporaryFolder(), 'resume'), findings);
    expect(from?.checkpoint.step).toBe(10);
    expect(findings).toHaveLength(1);
  });

  it('begins anew, and says why, when none verifies', async () => {
    const record = await checkpoints.open(2);
    damage('state of epoch 1 at 20');
    damage('state of epoch 1 at 10');
    const findings: string[] = [];
    expect(await checkpoints.restore(record, join(temporaryFolder(), 'resume'), findings)).toBeNull();
    expect(findings.map((finding) => finding.split(' set aside')[0])).toEqual(['checkpoint step-20', 'checkpoint step-10']);
  });

  it('begins anew where there is no checkpoint yet', async () => {
    const other = runCheckpoints(store, { ...key, seed: 4 });
    expect(await other.restore(await other.open(1), join(temporaryFolder(), 'resume'), [])).toBeNull();
  });
});

async function checkpoint(step: number, epoch: number): Promise<CheckpointRecord['checkpoints'][number]> {
  const folder = join(temporaryFolder(), `step-${step}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'state.bin'), `state of epoch ${epoch} at ${step}`);
  return {
    step,
    epoch,
    manifest: await store.putFolder(folder),
    events: await store.put(`events to ${step}`, mediaTypes.jsonLines),
    usedSeconds: step,
  };
}

async function steps(): Promise<number[] | undefined> {
  const record = await store.refs.get<CheckpointRecord>(refNames.checkpoints(key.experimentId, key.variant, key.seed));
  return record?.value.checkpoints.map((c) => c.step);
}

const objectPath = ({ digest }: Ref): string => {
  const hex = digest.replace('sha256:', '');
  return join(root, 'objects', hex.slice(0, 2), hex.slice(2));
};

/** Overwrites the object with this content, as a failing disk would. */
function damage(content: string): void {
  const found = filesBelow(join(root, 'objects'))
    .map((name) => join(root, 'objects', name))
    .filter((path) => readFileSync(path, 'utf8') === content);
  expect(found).toHaveLength(1);
  rmSync(found[0] as string);
  writeFileSync(found[0] as string, content.replace('state', 'stale'));
}
