// Proves, against a real server that assay has not set up: it gets the search attributes it lacks, once however many ask, and where it refuses
// or has others of these names, a sentence says what to do.
import { type Client, isGrpcServiceError } from '@temporalio/client';
import { aboutSpec, createCommand, experimentWorkflow, missingSearchAttributes, registerSearchAttributes, waitsOf } from '../../src/client';
import { type ResolvedSpec, searchAttributes } from '../../src/contract';
import { foreignServer } from './server';

const keyword = 2;
const names = Object.keys(searchAttributes);
const ref = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'application/json' };
const input = { experimentId: 'digits-1', spec: ref, provenance: ref, code: null };

let server: Awaited<ReturnType<typeof foreignServer>>;

beforeAll(async () => {
  server = await foreignServer();
});
afterAll(() => server.stop());

describe('a server without the attributes', () => {
  let client: Client;
  beforeAll(async () => {
    client = await server.inNamespace('plain');
  });

  test('refuses an experiment until they are registered, and then is asked for nothing more', async () => {
    const options = { ...experimentWorkflow(input, { name: 'digits', hypothesis: null, owner: 'vision' }), taskQueue: 'nobody' };
    await expect(client.workflow.start('experiment', options)).rejects.toThrow();

    expect(await missingSearchAttributes(client)).toEqual(names);
    const steps: string[] = [];
    expect(await registerSearchAttributes(client, { onStep: (line) => steps.push(line) })).toEqual(names);
    expect(steps).toEqual([`registering search attributes in namespace plain: ${names.join(', ')}`]);
    expect(await registerSearchAttributes(client, { onStep: (line) => steps.push(line) })).toEqual([]);
    expect(steps).toHaveLength(1);

    await client.workflow.start('experiment', options);
    const { typedSearchAttributes } = await client.workflow.getHandle('assay/digits-1').describe();
    const found = typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]);
    expect(found).toEqual(
      expect.arrayContaining([
        ['AssayExperiment', 'digits-1'],
        ['AssayName', 'digits'],
        ['AssayOwner', 'vision'],
      ]),
    );
  });

  test('whose control pool is away says so of an experiment that waits for it', async () => {
    const { experiment, runs } = await waitsOf(client, 'digits-1');
    expect(experiment).toEqual([expect.stringContaining('no worker polls assay-control')]);
    expect(runs).toEqual([]);
  });

  test('takes an experiment whose hypothesis is a page long, with its question in the details', async () => {
    const hypothesis = 'The "larger" model – größer – is better. '.repeat(200);
    const about = aboutSpec({ ...spec, hypothesis } as ResolvedSpec);
    await client.workflow.start('experiment', { ...experimentWorkflow({ ...input, experimentId: 'long-1' }, about), taskQueue: 'nobody' });
    const description = await client.workflow.getHandle('assay/long-1').describe();
    expect(await description.staticSummary()).toMatch(/^The "larger" model.*…$/);
    expect(await description.staticDetails()).toMatch(/^The "larger" model/);
  });
});

test('several workers that start at once register them once', async () => {
  const client = await server.inNamespace('crowd');
  const added = await Promise.all(Array.from({ length: 5 }, () => registerSearchAttributes(client)));
  expect(added.flat().length).toBeGreaterThanOrEqual(names.length);
  expect(await missingSearchAttributes(client)).toEqual([]);
});

test('an attribute of another type is named with what was expected', async () => {
  const client = await server.inNamespace('other');
  await client.connection.operatorService.addSearchAttributes({ namespace: 'other', searchAttributes: { AssayEffect: keyword } });
  await expect(registerSearchAttributes(client)).rejects.toMatchObject({
    type: 'Unsupported',
    message: expect.stringContaining('AssayEffect (expected Double)') as string,
  });
});

test('a server without room for them is told with the command for somebody who may', async () => {
  const client = await server.inNamespace('full');
  const others = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`Other${i}`, keyword]));
  await client.connection.operatorService.addSearchAttributes({ namespace: 'full', searchAttributes: others });
  const refusal = await registerSearchAttributes(client).then(
    () => null,
    (error: unknown) => error as Error & { type: string },
  );
  expect(refusal).toMatchObject({ type: 'Forbidden' });
  expect(refusal?.message).toContain(createCommand('full', await missingSearchAttributes(client)));
  expect(refusal?.message).toContain('temporal operator search-attribute create --namespace full --name AssayExperiment --type Keyword');
  expect(isGrpcServiceError(refusal?.cause)).toBe(true);
});

const spec = {
  name: 'digits',
  data: { source: 'builtin:digits' },
  training: { seeds: [1, 2] },
  variants: [
    { name: 'a|b', control: true },
    { name: 'cnn', control: false },
  ],
  analysis: { primary: 'accuracy', test: 'superiority', margin: 0 },
  runtime: { executor: 'process', gpus: 0, qos: 'standard' },
};
