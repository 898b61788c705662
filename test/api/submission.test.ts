// Proves what a spec that is sent may reach: every key that could smuggle is refused by name, and each problem stands at its pointer and place.
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Allow, defaultConfig } from '../../src/api/config';
import { HttpProblem } from '../../src/api/problems';
import { readSubmission } from '../../src/api/submission';
import { apiHome, dockerSpec, expectProblem, type Home, post, postYaml } from './support';

let base: string;
beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'assay-allow-')));
  mkdirSync(join(base, 'root', 'team'), { recursive: true });
  mkdirSync(join(base, 'nowhere'));
  for (const file of ['root/data.csv', 'root/team/train.py', 'root/team/ids.txt', 'secret.csv'])
    writeFileSync(join(base, file), 'id,label\n1,a\n');
  symlinkSync(base, join(base, 'root', 'out'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const anyone = { name: 'ci', scopes: ['run'] as const, owner: null, stillThere: () => Promise.resolve(true) };
const image = (name: string): string => `${name}@sha256:${'a'.repeat(64)}`;

/** What `readSubmission` says: the refused pointers, or `taken`. */
function judge(
  spec: Record<string, unknown>,
  allow: Partial<Allow> = {},
  { root = null, owner = null }: { root?: string | null; owner?: string | null } = {},
) {
  const submitted = { body: JSON.stringify(spec), form: 'json' as const, root, caller: { ...anyone, owner } };
  const allowed = { ...defaultConfig().allow, images: ['registry.example/team/*'], ...allow };
  try {
    readSubmission(submitted, { allow: allowed, runs: 10, nowhere: join(base, 'nowhere') });
    return 'taken';
  } catch (error) {
    if (!(error instanceof HttpProblem)) throw error;
    return `${error.status} ${error.more.errors?.map(({ pointer }) => pointer).join(' ')}`;
  }
}

const docker = (more: Record<string, unknown> = {}) => ({ executor: 'docker', image: image('registry.example/team/trainer'), ...more });
const data = (source: string) => ({ data: { source } });
const hook = (webhook: string) => ({ notify: [{ webhook }] });
const drift = (against: string) => ({ checks: { drift: { against } } });

describe.each<[string, Record<string, unknown>, Partial<Allow>, string]>([
  ['a plain one', {}, {}, 'taken'],
  // Executors: the default of a spec is "process".
  ['the process executor', { runtime: { executor: 'process' } }, {}, '403 /runtime/executor'],
  ['no executor, which means process', { runtime: {} }, {}, '403 /runtime/executor'],
  ['a process without a folder', { runtime: { executor: 'process' } }, { executors: ['process'] }, '403 /runtime/executor'],
  ['docker where it is not allowed', {}, { executors: ['process'] }, '403 /runtime/executor'],
  // Images.
  ['an image of another team', { runtime: docker({ image: image('registry.example/other/trainer') }) }, {}, '403 /runtime/image'],
  ['an image of another registry', { runtime: docker({ image: image('evil.example/registry.example/team/x') }) }, {}, '403 /runtime/image'],
  ['a registry that begins alike', { runtime: docker({ image: image('registry.example.evil/team/x') }) }, {}, '403 /runtime/image'],
  ['a deeper name than one star allows', { runtime: docker({ image: image('registry.example/team/a/b') }) }, {}, '403 /runtime/image'],
  [
    'a deeper name where two stars allow it',
    { runtime: docker({ image: image('registry.example/team/a/b') }) },
    { images: ['registry.example/team/**'] },
    'taken',
  ],
  ['a name that leads up', { runtime: docker({ image: image('registry.example/team/..') }) }, {}, '403 /runtime/image'],
  ['dots of a pattern are dots', { runtime: docker({ image: image('registryxexample/team/x') }) }, {}, '403 /runtime/image'],
  ['a tag beside the digest', { runtime: docker({ image: image('registry.example/team/x:v1') }) }, {}, 'taken'],
  ['an image of the host by its id', { runtime: docker({ image: `sha256:${'b'.repeat(64)}` }) }, {}, '403 /runtime/image'],
  [
    'one that is named by its id',
    { runtime: docker({ image: `sha256:${'b'.repeat(64)}` }) },
    { images: [`sha256:${'b'.repeat(64)}`] },
    'taken',
  ],
  ['the network', { runtime: docker({ network: true }) }, {}, '403 /runtime/network'],
  ['the network where it is allowed', { runtime: docker({ network: true }) }, { network: true }, 'taken'],
  ['publishing', { publish: { mlflow: {} } }, {}, '403 /publish/mlflow'],
  ['registering', { decision: { register: 'mlflow' } }, {}, '403 /decision/register'],
  ['publishing where it is allowed', { decision: { register: 'mlflow' } }, { publish: true }, 'taken'],
  ['no network, said', { runtime: docker({ network: false }) }, {}, 'taken'],
  // Data.
  ['an absolute path', data('/etc/passwd'), {}, '403 /data/source'],
  ['a relative path', data('data.csv'), {}, '403 /data/source'],
  ['a path of the home', data('~/.aws'), {}, '403 /data/source'],
  ['a dvc file', data('dvc:/srv/data.csv.dvc'), {}, '403 /data/source'],
  ['a snapshot', data('snapshot:nightly'), {}, 'taken'],
  ['a snapshot where none is allowed', data('snapshot:nightly'), { sources: ['builtin:'] }, '403 /data/source'],
  ['a snapshot by digest where names are', data(`snapshot:sha256:${'c'.repeat(64)}`), { sources: ['snapshot:team-'] }, '403 /data/source'],
  ['a bucket', data('s3://bucket/prefix'), {}, '403 /data/source'],
  ['an allowed prefix', data('s3://bucket/prefix/2026'), { sources: ['s3://bucket/prefix'] }, 'taken'],
  ['the allowed prefix itself', data('s3://bucket/prefix'), { sources: ['s3://bucket/prefix/'] }, 'taken'],
  ['a prefix that begins alike', data('s3://bucket/prefix2'), { sources: ['s3://bucket/prefix'] }, '403 /data/source'],
  ['a bucket that begins alike', data('s3://bucket2/x'), { sources: ['s3://bucket'] }, '403 /data/source'],
  ['a way up within a bucket', data('s3://bucket/prefix/../other'), { sources: ['s3://bucket/prefix'] }, '403 /data/source'],
  ['another snapshot as the reference of drift', drift('snapshot:theirs'), { sources: ['builtin:'] }, '403 /checks/drift/against'],
  ['the snapshot before', drift('previous'), { sources: ['builtin:'] }, 'taken'],
  [
    'files that list the split',
    { data: { source: 'builtin:digits', split: { train: '/a', test: '/b' } } },
    {},
    '403 /data/split/train /data/split/test',
  ],
  // Code and models.
  [
    'code beside the image',
    { training: { command: ['python', 'x.py'], code: ['x.py'], seeds: [1], budget: { epochs: 1 } } },
    {},
    '403 /training/code/0',
  ],
  [
    'a trained model of the host',
    {
      variants: [
        { name: 'a', control: true, params: { model: 'x' } },
        { name: 'b', model: '/etc/passwd' },
      ],
    },
    {},
    '403 /variants/1/model',
  ],
  // Webhooks.
  ['a webhook', hook('https://hooks.example.org/x'), {}, '403 /notify/0/webhook'],
  ['an allowed one', hook('https://hooks.example.org/x'), { webhooks: ['hooks.example.org'] }, 'taken'],
  ['one without TLS', hook('http://hooks.example.org/x'), { webhooks: ['hooks.example.org'] }, '403 /notify/0/webhook'],
  ['one without TLS that is named so', hook('http://127.0.0.1:9000/x'), { webhooks: ['http://127.0.0.1:9000'] }, 'taken'],
  ['another port', hook('https://hooks.example.org:8443/x'), { webhooks: ['hooks.example.org'] }, '403 /notify/0/webhook'],
  ['the usual port, said', hook('https://hooks.example.org:443/x'), { webhooks: ['hooks.example.org'] }, 'taken'],
  ['a host below', hook('https://a.hooks.example.org/x'), { webhooks: ['hooks.example.org'] }, '403 /notify/0/webhook'],
  [
    'a host that begins alike',
    hook('https://hooks.example.org.evil.example/x'),
    { webhooks: ['hooks.example.org'] },
    '403 /notify/0/webhook',
  ],
  [
    'a backslash before another host',
    hook('https://hooks.example.org\\@evil.example/x'),
    { webhooks: ['evil.example'] },
    '422 /notify/0/webhook',
  ],
  ['loopback in other numbers', hook('https://0x7f.1/x'), { webhooks: ['hooks.example.org'] }, '403 /notify/0/webhook'],
  ['the address of the cloud’s own', hook('http://169.254.169.254/latest'), { webhooks: ['hooks.example.org'] }, '403 /notify/0/webhook'],
  // Size.
  [
    'more runs than a server takes',
    { training: { command: ['x'], seeds: [1, 2, 3, 4, 5, 6], budget: { epochs: 1 } } },
    {},
    '403 /training/seeds',
  ],
])('%s', (_name, more, allow, verdict) => {
  test(`is ${verdict}`, () => expect(judge(dockerSpec(more), allow)).toBe(verdict));
});

describe('files of the server’s host, where a folder is allowed', () => {
  const allow = (): Partial<Allow> => ({ roots: [join(base, 'root')], executors: ['docker', 'process'] });
  const at = (source: string, root: string | null = 'root'): string =>
    judge(dockerSpec(data(source)), allow(), { root: root === null ? null : join(base, root) });

  test.each([
    ['data.csv', 'taken'],
    ['./data.csv', 'taken'],
    ['team/../data.csv', '403 /data/source'],
    ['../secret.csv', '403 /data/source'],
    ['out/secret.csv', '403 /data/source'],
    ['dvc:out/data.dvc', '403 /data/source'],
    ['missing.csv', '422 /data/source'],
    ['../missing.csv', '403 /data/source'],
  ])('%s is %s', (source, verdict) => expect(at(source)).toBe(verdict));

  test('an absolute path within it is taken, and one outside is not', () => {
    expect(at(join(base, 'root', 'data.csv'), null)).toBe('taken');
    expect(at(join(base, 'secret.csv'), null)).toBe('403 /data/source');
    expect(at(join(base, 'root', 'out', 'secret.csv'), null)).toBe('403 /data/source');
  });

  test('a folder outside is no root, nor is one behind a link', () => {
    for (const root of ['.', 'nowhere', 'root/out', 'root/../nowhere', 'rootless']) expect(at('data.csv', root)).toBe('403 /root');
  });

  test('what is not there is no root, nor is a file', () => {
    for (const root of ['root/none', 'root/data.csv', 'root/\0']) expect(at('builtin:digits', root)).toBe('422 /root');
  });

  test('the process executor starts there', () => {
    const spec = dockerSpec({ runtime: { executor: 'process' }, ...data('../data.csv') });
    expect(judge(dockerSpec({ runtime: { executor: 'process' } }), allow(), { root: join(base, 'root', 'team') })).toBe('taken');
    expect(judge(spec, allow(), { root: join(base, 'root', 'team') })).toBe('403 /data/source');
  });
});

test('a token of a team starts experiments of that team, and of no other', () => {
  expect(judge(dockerSpec(), {}, { owner: 'vision' })).toBe('taken');
  expect(judge(dockerSpec({ owner: 'vision' }), {}, { owner: 'vision' })).toBe('taken');
  expect(judge(dockerSpec({ owner: 'speech' }), {}, { owner: 'vision' })).toBe('403 /owner');
  const body = JSON.stringify(dockerSpec());
  const rules = { allow: { ...defaultConfig().allow, images: ['**'] }, runs: 10, nowhere: base };
  expect(readSubmission({ body, form: 'json', root: null, caller: { ...anyone, owner: 'vision' } }, rules).spec.owner).toBe('vision');
});

test('no command can name a file of the server by chance: a spec without a folder starts from an empty one', () => {
  const rules = { allow: { ...defaultConfig().allow, images: ['**'] }, runs: 10, nowhere: join(base, 'nowhere') };
  const body = JSON.stringify(dockerSpec({ training: { command: ['cat', 'etc/passwd'], seeds: [1], budget: { epochs: 1 } } }));
  expect(readSubmission({ body, form: 'json', root: null, caller: anyone }, rules).spec.root).toBe(join(base, 'nowhere'));
});

describe('over HTTP', () => {
  let home: Home;
  let url: string;
  beforeAll(async () => {
    home = apiHome();
    ({ url } = await home.start({ allow: { images: ['registry.example/team/*'] } }));
    url += '/v1/experiments';
  });
  afterAll(() => home.stop());

  test('every refusal is named at once, with what is allowed, and in YAML with its place', async () => {
    const yaml = `name: smuggler
data: {source: /etc/passwd}
runtime:
  executor: docker
  image: evil.example/x@sha256:${'a'.repeat(64)}
  network: true
training: {command: [sh], seeds: [1], budget: {epochs: 1}}
variants: [{name: a, control: true}, {name: b}]
notify: [{webhook: "https://evil.example/"}]
`;
    const answer = await postYaml(url, yaml);
    expectProblem(answer, 403, 'forbidden');
    expect(answer.body.errors).toEqual([
      {
        pointer: '/runtime/image',
        detail: 'evil.example/x is not allowed on this server; allowed: registry.example/team/*',
        line: 5,
        column: 10,
      },
      { pointer: '/runtime/network', detail: 'true is not allowed on this server', line: 6, column: 12 },
      expect.objectContaining({ pointer: '/data/source', line: 2, column: 16 }),
      { pointer: '/notify/0/webhook', detail: 'https://evil.example is not allowed on this server; allowed: none', line: 9, column: 20 },
    ]);
  });

  test.each<[string, unknown, number, { pointer: string; detail: RegExp; line?: number; column?: number }[]]>([
    [
      'an unknown key',
      'name: x\ndata: {source: "builtin:digits"}\nvariannts: []\n',
      422,
      [{ pointer: '/variannts', detail: /did you mean "variants"/, line: 3, column: 1 }],
    ],
    [
      'a wrong type deep below',
      dockerSpec({ training: { command: ['x'], seeds: ['one'], budget: { epochs: 1 } } }),
      422,
      [{ pointer: '/training/seeds/0', detail: /expected a whole number/ }],
    ],
    ['a key with a slash and a tilde', dockerSpec({ 'a/b~c': 1 }), 422, [{ pointer: '/a~1b~0c', detail: /unknown key/ }]],
    ['a contradiction', dockerSpec({ varies: [] }), 422, [{ pointer: '/variants/1/params/model', detail: /differs between variants/ }]],
    [
      'an image by its tag',
      dockerSpec({ runtime: { executor: 'docker', image: 'registry.example/team/x:v1' } }),
      422,
      [{ pointer: '/runtime/image', detail: /a tag can move/ }],
    ],
    ['no YAML', 'name: [', 400, [{ pointer: '', detail: /not valid YAML/, line: 1, column: 8 }]],
    ['a list', '- a\n- b\n', 400, [{ pointer: '', detail: /expected a mapping/, line: 1, column: 1 }]],
    [
      'aliases that grow without bound',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${['b', 'c', 'd', 'e', 'f'].map((k, i) => `${k}: &${k} [${Array(9).fill(`*${'abcdef'[i]}`).join(',')}]`).join('\n')}\n`,
      400,
      [{ pointer: '', detail: /aliases repeat/, line: 1, column: 1 }],
    ],
  ])('%s is told at its pointer', async (_name, body, status, errors) => {
    const answer = await (typeof body === 'string' ? postYaml(url, body) : post(url, body));
    expectProblem(answer, status);
    const told = answer.body.errors as { pointer: string; detail: string }[];
    for (const { detail, ...place } of errors) {
      const found = told.find(({ pointer }) => pointer === place.pointer);
      expect(found).toEqual({ ...place, detail: expect.stringMatching(detail) });
    }
  });

  test('what is no JSON, no text or nothing is malformed; an unread form is not a body', async () => {
    const send = (body: string | Buffer, type: string) => postYaml(url, body as string, { headers: { 'content-type': type } });
    expectProblem(await send('{"name": ', 'application/json'), 400, 'malformed');
    expectProblem(await send('', 'application/json'), 400, 'malformed');
    expectProblem(await send(Buffer.from([0xff, 0xfe, 0x00]), 'application/yaml'), 400, 'malformed');
    expectProblem(await send('[1]', 'application/json'), 400, 'malformed');
    const deep = await send(`${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'application/json');
    expectProblem(deep, 400, 'malformed');
    expect(deep.body.detail).toBe('expected at most 100 lists or mappings inside each other');
    const xml = await send('<a/>', 'application/xml');
    expectProblem(xml, 415, 'unsupported-media-type');
    expect(xml.body.detail).toMatch(/application\/json/);
    expectProblem(await post(`${url}?root=relative`, dockerSpec()), 400, 'invalid-request');
    expectProblem(await post(url, dockerSpec(), { headers: { 'idempotency-key': 'x'.repeat(300) } }), 400, 'invalid-request');
    expectProblem(await post(`${url}?root=/etc`, dockerSpec()), 403, 'forbidden');
  });
});
