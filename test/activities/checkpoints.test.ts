// Proves: one epoch of a run writes at a time, the newest checkpoints stay, a damaged one costs no more than itself, a checkpoint that the
// trainer drops while it is read is stored whole or not at all, and a warm start takes the same weights at every epoch.
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CheckpointOptions, runCheckpoints, warmStartOf } from '../../src/activities/checkpoints';
import { uploadCheckpoint } from '../../src/activities/upload';
import { type CheckpointRecord, type Manifest, type Ref, type RunKey, mediaTypes, refNames } from '../../src/contract';
import { hashFile, type Store, type StoredFile } from '../../src/store';
import { putFolder } from '../../src/store/folders';
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

  it('knows where each epoch began, once each, whatever is written beside it', async () => {
    const start = (step: number, seconds: number) => ({ step, seconds, remedy: 0 });
    await checkpoints.open(1, start(0, 0));
    await checkpoints.add(1, await checkpoint(10, 1));
    await checkpoints.open(2);
    await checkpoints.open(2, start(10, 3));
    await checkpoints.add(2, await checkpoint(20, 2));
    expect((await checkpoints.open(2, start(10, 3.5))).starts).toEqual([
      { epoch: 1, step: 0, seconds: 0, remedy: 0 },
      { epoch: 2, step: 10, seconds: 3.5, remedy: 0 },
    ]);
    for (let epoch = 3; epoch < 210; epoch++) await checkpoints.open(epoch, start(10, 3.5));
    const { starts = [] } = await checkpoints.open(210);
    expect([starts.length, starts[0]?.epoch, starts.at(-1)?.epoch]).toEqual([200, 10, 209]);
  });

  it('keeps the newest three', async () => {
    await checkpoints.open(1);
    for (const step of [10, 20, 30, 40, 50]) await checkpoints.add(1, await checkpoint(step, 1));
    expect(await steps()).toEqual([30, 40, 50]);
  });

  it('keeps as many as the experiment says', async () => {
    const two = of({ keep: { count: 2, seconds: null } });
    for (const step of [10, 20, 30]) await two.add(1, await checkpoint(step, 1));
    expect(await steps()).toEqual([20, 30]);
  });

  it('drops those that are older than the experiment says', async () => {
    const minute = of({ keep: { count: 3, seconds: 60 }, now: () => savedAt(300) });
    // Saved at seconds 100, 241 and 300.
    for (const step of [100, 241, 300]) await minute.add(1, await checkpoint(step, 1));
    expect(await steps()).toEqual([241, 300]);
  });

  it('keeps the newest whatever its age', async () => {
    const minute = of({ keep: { count: 3, seconds: 60 }, now: () => savedAt(10_000) });
    for (const step of [100, 200]) await minute.add(1, await checkpoint(step, 1));
    expect(await steps()).toEqual([200]);
  });

  it('forgets what was trained under another remedy as soon as there is one of its own', async () => {
    await checkpoints.open(1);
    for (const step of [10, 20]) await checkpoints.add(1, await checkpoint(step, 1));
    const halved = of({ remedy: 1 });
    await halved.open(2);
    expect(await steps()).toEqual([10, 20]);
    await halved.add(2, { ...(await checkpoint(30, 2)), remedy: 1 });
    expect(await steps()).toEqual([30]);
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

  it('keeps what is newer when a late attempt of the same epoch adds what it still had', async () => {
    const one = of({ keep: { count: 1, seconds: null } });
    await one.open(1);
    for (const step of [10, 30]) await one.add(1, await checkpoint(step, 1));
    for (const step of [20, 30]) await one.add(1, await checkpoint(step, 1));
    expect(await steps()).toEqual([30]);
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

  it('goes on without the telemetry where that alone is damaged', async () => {
    const telemetry = await store.put('samples', mediaTypes.jsonLines);
    await checkpoints.add(1, { ...(await checkpoint(30, 1)), telemetry });
    const record = await checkpoints.open(2);
    const restored = (): ReturnType<typeof checkpoints.restore> => checkpoints.restore(record, join(temporaryFolder(), 'resume'), findings);
    const findings: string[] = [];
    expect((await restored())?.telemetry?.toString()).toBe('samples');
    rmSync(objectPath(telemetry));
    expect(await restored()).toMatchObject({ checkpoint: { step: 30 }, telemetry: null });
    expect(findings).toEqual([expect.stringMatching(/^telemetry up to step 30 is lost: /)]);
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

  it('never takes one that was trained under another remedy', async () => {
    const findings: string[] = [];
    const halved = of({ remedy: 1 });
    expect(await halved.restore(await halved.open(2), join(temporaryFolder(), 'resume'), findings)).toBeNull();
    // It is not damaged, only not this training's.
    expect(findings).toEqual([]);
  });

  const damages: [what: string, harm: (state: string, manifest: Ref) => void][] = [
    ['one flipped byte', (state) => writeFileSync(state, flipped(readFileSync(state)))],
    ['its last byte cut off', (state) => truncateSync(state, statSync(state).size - 1)],
    ['a file gone', (state) => rmSync(state)],
    ['its manifest gone', (_, manifest) => rmSync(objectPath(manifest))],
    ['a manifest that names another file', (_, manifest) => writeFileSync(objectPath(manifest), '{"files":[]}')],
  ];

  it.each(damages)('takes the one before where the newest has %s', async (_, harm) => {
    const record = await checkpoints.open(2);
    const newest = record.checkpoints.at(-1)?.manifest as Ref;
    const { files } = await store.getJson<Manifest>(newest);
    harm(objectPath({ digest: files[0]?.digest as string }), newest);
    const dir = join(temporaryFolder(), 'resume');
    const findings: string[] = [];
    const from = await checkpoints.restore(record, dir, findings);
    expect(from?.checkpoint.step).toBe(10);
    expect(findings).toHaveLength(1);
    expect(readdirSync(dir)).toEqual(['step-10']);
  });

  it.each(['no JSON', '{"files":[{"path":"../state.bin","size":1,"digest":"sha256:0"}]}', '{"weights":[]}'])(
    'takes the one before where the record names the object %s as its manifest',
    async (text) => {
      const wrong = await store.put(text, mediaTypes.manifest);
      const record = await checkpoints.open(2);
      const newest = record.checkpoints.at(-1) as CheckpointRecord['checkpoints'][number];
      const findings: string[] = [];
      const from = await checkpoints.restore(
        { ...record, checkpoints: [...record.checkpoints.slice(0, -1), { ...newest, manifest: wrong }] },
        join(temporaryFolder(), 'resume'),
        findings,
      );
      expect(from?.checkpoint.step).toBe(10);
      expect(findings[0]).toContain(wrong.digest);
    },
  );

  it('uses a folder that is there already and verifies', async () => {
    const record = await checkpoints.open(2);
    const dir = join(temporaryFolder(), 'resume');
    await checkpoints.restore(record, dir, []);
    const made = statSync(join(dir, 'step-20')).ino;
    await checkpoints.restore(record, dir, []);
    expect(statSync(join(dir, 'step-20')).ino).toBe(made);
  });

  it('replaces a folder that was left damaged', async () => {
    const record = await checkpoints.open(2);
    const dir = join(temporaryFolder(), 'resume');
    await checkpoints.restore(record, dir, []);
    const state = join(dir, 'step-20', 'state.bin');
    writeFileSync(state, flipped(readFileSync(state)));
    writeFileSync(join(dir, 'step-20', 'more.bin'), 'from elsewhere');
    await checkpoints.restore(record, dir, []);
    expect(readFileSync(state, 'utf8')).toBe('state of epoch 1 at 20');
    expect(readdirSync(join(dir, 'step-20'))).toEqual(['state.bin']);
    expect(readdirSync(dir)).toEqual(['step-20']);
  });

  it('gives several attempts at once one whole folder', async () => {
    const record = await checkpoints.open(2);
    const dir = join(temporaryFolder(), 'resume');
    const all = await Promise.all(Array.from({ length: 8 }, () => checkpoints.restore(record, dir, [])));
    expect(all.map((from) => from?.dir)).toEqual(Array.from({ length: 8 }, () => join(dir, 'step-20')));
    expect(readFileSync(join(dir, 'step-20', 'state.bin'), 'utf8')).toBe('state of epoch 1 at 20');
    expect(readdirSync(dir)).toEqual(['step-20']);
  });

  it('waits for a store that is away, and sets nothing aside', async () => {
    const record = await checkpoints.open(2);
    const findings: string[] = [];
    renameSync(root, `${root}.away`);
    writeFileSync(root, 'no folder');
    const away = { type: 'StoreUnavailable', retryable: true };
    await expect(checkpoints.restore(record, join(temporaryFolder(), 'resume'), findings)).rejects.toMatchObject(away);
    rmSync(root);
    renameSync(`${root}.away`, root);
    expect((await checkpoints.restore(record, join(temporaryFolder(), 'resume'), findings))?.checkpoint.step).toBe(20);
    expect(findings).toEqual([]);
  });

  it('takes a disk that is not mounted for a store that is away, not for lost checkpoints', async () => {
    const record = await checkpoints.open(2);
    renameSync(root, `${root}.away`);
    const findings: string[] = [];
    await expect(checkpoints.restore(record, join(temporaryFolder(), 'resume'), findings)).rejects.toMatchObject({
      type: 'StoreUnavailable',
      message: expect.stringMatching(/Mount/),
    });
    expect(findings).toEqual([]);
  });
});

describe('storing a checkpoint', () => {
  it('takes every file of it, and leaves nothing beside it', async () => {
    const { dir, folder } = trainerFolder();
    const manifest = await uploadCheckpoint(store, folder);
    expect(manifest).toEqual(await store.putFolder(folder));
    expect((await store.getJson<Manifest>(manifest)).files.map(({ path }) => path)).toEqual(['model/weights.bin', 'state.bin']);
    expect(readdirSync(dir)).toEqual(['checkpoints']);
  });

  it('stores it whole though the trainer drops it while it is read', async () => {
    const { folder } = trainerFolder();
    // The folder goes as soon as the first of its files has been read.
    const manifest = await uploadCheckpoint(
      afterFirstFile(() => rmSync(folder, { recursive: true })),
      folder,
    );
    const restored = join(temporaryFolder(), 'restored');
    await store.fetchFolder(manifest, restored);
    expect(filesBelow(restored)).toEqual(['model/weights.bin', 'state.bin']);
    expect((await hashFile(join(restored, 'state.bin'))).size).toBe(100_000);
  });

  it('never mixes two states where the trainer replaces it while it is read', async () => {
    const { folder } = trainerFolder();
    const replacing = afterFirstFile(() => {
      rmSync(folder, { recursive: true });
      fill(folder, 'b');
    });
    const restored = join(temporaryFolder(), 'restored');
    await store.fetchFolder(await uploadCheckpoint(replacing, folder), restored);
    const states = ['model/weights.bin', 'state.bin'].map((path) => readFileSync(join(restored, path), 'utf8')[0]);
    expect(states).toEqual(['a', 'a']);
  });

  it('says ENOENT where the trainer has dropped it already', async () => {
    const { dir, folder } = trainerFolder();
    rmSync(folder, { recursive: true });
    await expect(uploadCheckpoint(store, folder)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(readdirSync(dir)).toEqual(['checkpoints']);
  });

  it('leaves no record where the store is away before all of it is there', async () => {
    const { dir, folder } = trainerFolder();
    await checkpoints.open(1);
    const breaking = afterFirstFile(() => {
      renameSync(root, `${root}.away`);
      writeFileSync(root, 'no folder');
    });
    await expect(uploadCheckpoint(breaking, folder)).rejects.toMatchObject({ type: 'StoreUnavailable' });
    rmSync(root);
    renameSync(`${root}.away`, root);
    expect(await steps()).toEqual([]);
    expect(readdirSync(dir)).toEqual(['checkpoints']);
  });
});

describe('a warm start', () => {
  const source: RunKey = { experimentId: 'digits-0', variant: 'cnn', seed: 1 };
  const reference = 'digits-0/cnn/seed-1';

  beforeEach(async () => {
    const earlier = runCheckpoints(store, source);
    await earlier.open(1);
    for (const step of [10, 20]) await earlier.add(1, await checkpoint(step, 1));
  });

  it('takes the newest checkpoint of the other run', async () => {
    const dir = join(temporaryFolder(), 'warm-start');
    const findings: string[] = [];
    expect(await warmStartOf(store, reference, dir, findings)).toMatchObject({ run: reference, step: 20, remedy: 0 });
    expect(readFileSync(join(dir, 'state.bin'), 'utf8')).toBe('state of epoch 1 at 20');
    expect(findings).toEqual([]);
  });

  it('takes the one before where the newest does not verify, and says so', async () => {
    damage('state of epoch 1 at 20');
    const dir = join(temporaryFolder(), 'warm-start');
    const findings: string[] = [];
    expect(await warmStartOf(store, reference, dir, findings)).toMatchObject({ step: 10 });
    expect(readFileSync(join(dir, 'state.bin'), 'utf8')).toBe('state of epoch 1 at 10');
    expect(findings).toEqual([expect.stringMatching(/^checkpoint step-20 of digits-0\/cnn\/seed-1 set aside: /)]);
  });

  it('is the same at every epoch, though the other run has gone on', async () => {
    const findings: string[] = [];
    const first = await checkpoints.warmStart(1, reference, join(temporaryFolder(), 'warm-start'), findings);
    await runCheckpoints(store, source).add(1, await checkpoint(30, 1));
    const dir = join(temporaryFolder(), 'warm-start');
    expect(await checkpoints.warmStart(2, reference, dir, findings)).toEqual(first);
    expect(readFileSync(join(dir, 'state.bin'), 'utf8')).toBe('state of epoch 1 at 20');
    // It stays on record when the run resumes a checkpoint of its own.
    await checkpoints.add(2, await checkpoint(5, 2));
    expect((await checkpoints.open(3)).warmStart).toEqual(first);
  });

  it('is refused to an epoch that is over', async () => {
    await checkpoints.open(2);
    await expect(checkpoints.warmStart(1, reference, join(temporaryFolder(), 'warm-start'), [])).rejects.toMatchObject({
      type: 'Preempted',
    });
  });

  it('names the runs there are where the one asked for has no checkpoint', async () => {
    await expect(warmStartOf(store, 'digits-0/cnn/seed-2', join(temporaryFolder(), 'w'), [])).rejects.toMatchObject({
      type: 'NotFound',
      message: 'training.warmStart: digits-0/cnn/seed-2 has no checkpoint; there are those of digits-0/cnn/seed-1 (step 20)',
    });
    await expect(warmStartOf(store, 'other/cnn/seed-2', join(temporaryFolder(), 'w'), [])).rejects.toMatchObject({
      type: 'NotFound',
      message: expect.stringContaining('no run of experiment other has one'),
    });
  });

  it('fails for good where no checkpoint of the other run verifies', async () => {
    damage('state of epoch 1 at 20');
    damage('state of epoch 1 at 10');
    await expect(warmStartOf(store, reference, join(temporaryFolder(), 'w'), [])).rejects.toMatchObject({
      type: 'ObjectCorrupt',
      retryable: false,
      message: expect.stringContaining('no checkpoint of digits-0/cnn/seed-1 verifies'),
    });
  });
});

const of = (options: Partial<CheckpointOptions>): ReturnType<typeof runCheckpoints> =>
  runCheckpoints(store, key, { remedy: 0, keep: { count: 3, seconds: null }, ...options });

/** Milliseconds at which a checkpoint of this step was saved: a step a second. */
const savedAt = (step: number): number => Date.parse('2026-01-01T00:00:00Z') + step * 1000;

function flipped(bytes: Buffer): Buffer {
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  return bytes;
}

/** An epoch's folder with one checkpoint of two files. */
function trainerFolder(): { dir: string; folder: string } {
  const dir = temporaryFolder();
  const folder = join(dir, 'checkpoints', 'step-10');
  fill(folder, 'a');
  return { dir, folder };
}

function fill(folder: string, letter: string): void {
  mkdirSync(join(folder, 'model'), { recursive: true });
  writeFileSync(join(folder, 'model', 'weights.bin'), letter.repeat(100_000));
  writeFileSync(join(folder, 'state.bin'), letter.repeat(100_000));
}

/** The store, where `act` happens once the first file of a folder is in it. */
function afterFirstFile(act: () => void): Store {
  let first = true;
  async function* putFiles(paths: Iterable<string> | AsyncIterable<string>): AsyncGenerator<StoredFile> {
    for await (const path of paths) {
      yield* store.putFiles([path]);
      if (first) act();
      first = false;
    }
  }
  const patched: Store = Object.create(store) as Store;
  return Object.assign(patched, {
    putFiles,
    putJson: (value: unknown) => store.putJson(value),
    putFolder: (dir: string) => putFolder(patched, dir),
  });
}

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
    remedy: 0,
    savedAt: new Date(savedAt(step)).toISOString(),
    telemetry: null,
  };
}

async function steps(): Promise<number[] | undefined> {
  const record = await store.refs.get<CheckpointRecord>(refNames.checkpoints(key.experimentId, key.variant, key.seed));
  return record?.value.checkpoints.map((c) => c.step);
}

const objectPath = ({ digest }: { digest: string }): string => {
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
