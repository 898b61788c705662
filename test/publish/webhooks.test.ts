// Proves, against real HTTP servers and with the reference library as the verifier: what is sent is a Standard Webhook, where it may go is
// decided on the address that is connected to, and every answer and every failure has one meaning.
import { lookup as dnsLookup } from 'node:dns';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { delayAfter, deliverOnce, newSecret, type NotTaken, patience, targetProblem, webhookSettings } from '../../src/publish';
import { isPublic } from '../../src/publish/webhooks/addresses';
import { hostProblem, hostRules } from '../../src/publish/webhooks/hosts';
import { post } from '../../src/publish/webhooks/post';
import { receptionOf, retryAfterOf } from '../../src/publish/webhooks/reception';
import { readSecrets } from '../../src/publish/webhooks/secrets';
import { slackMessage } from '../../src/publish/webhooks/slack';
import { done, messageTo, Receiver, secret, targetOf } from './receiver';

let receiver: Receiver;
beforeEach(async () => (receiver = await Receiver.start()));
afterEach(() => receiver.close());

const settings = (env: NodeJS.ProcessEnv = {}) =>
  webhookSettings({ ASSAY_WEBHOOK_HOSTS: '127.0.0.1', ASSAY_WEBHOOK_SECRET: secret, ...env });

const failure = (sending: Promise<unknown>): Promise<NotTaken> =>
  sending.then(
    () => Promise.reject(new Error('was taken')),
    (error: unknown) => error as NotTaken,
  );

describe('a message', () => {
  test('is a Standard Webhook that the reference library verifies, and nothing else is', async () => {
    await expect(deliverOnce(messageTo(receiver.url), settings())).resolves.toEqual({ status: 204 });
    const [{ method, path, headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    expect([method, path, headers['content-type']]).toEqual(['POST', '/hook/in-the-path', 'application/json']);
    expect(headers['webhook-id']).toBe('digits-20261122-025800-a1b2/experiment~done-1');
    const sent = headers as Record<string, string>;
    expect(new Webhook(secret).verify(body, sent)).toEqual(done);
    const forged =
      (more: Record<string, string>, text = body) =>
      () =>
        new Webhook(secret).verify(text, { ...sent, ...more });
    expect(forged({}, body.replace('adopt', 'keep'))).toThrow(WebhookVerificationError);
    expect(forged({ 'webhook-id': 'another' })).toThrow(WebhookVerificationError);
    expect(forged({ 'webhook-timestamp': String(Number(sent['webhook-timestamp']) - 1) })).toThrow(WebhookVerificationError);
    expect(() => new Webhook(newSecret()).verify(body, sent)).toThrow(WebhookVerificationError);
  });

  test('is signed with the old and the new secret while one replaces the other', async () => {
    const [before, after] = [newSecret(), newSecret()];
    await deliverOnce(messageTo(receiver.url, { secret: 'TEAM' }), settings({ ASSAY_WEBHOOK_SECRET_TEAM: `${after} ${before}` }));
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    for (const known of [before, after]) expect(new Webhook(known).verify(body, headers as Record<string, string>)).toEqual(done);
    expect(() => new Webhook(secret).verify(body, headers as Record<string, string>)).toThrow(WebhookVerificationError);
  });

  test('to Slack goes out unsigned where no secret is named, since its address is the secret', async () => {
    await deliverOnce(messageTo(receiver.url, { format: 'slack' }), settings({ ASSAY_WEBHOOK_SECRET: undefined }));
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    expect(headers['webhook-signature']).toBeUndefined();
    expect(JSON.parse(body)).toEqual(slackMessage(done));
  });
});

test('the message to Slack', () => {
  expect(slackMessage(done)).toEqual({
    text: ':checkered_flag: Verdict: adopt (digits): Adopt mlp: it is 2.1 points more accurate than &lt;logistic&gt; &amp; friends.',
    blocks: [
      {
        type: 'section',
        text: {
          type: 'mrkdwn',
          text: '*:checkered_flag: Verdict: adopt* · digits\nAdopt mlp: it is 2.1 points more accurate than &lt;logistic&gt; &amp; friends.',
        },
      },
      {
        type: 'section',
        fields: [
          { type: 'mrkdwn', text: '*Effect* +0.0214' },
          { type: 'mrkdwn', text: '*Owner* vision-team' },
          { type: 'mrkdwn', text: '*Series* nightly' },
        ],
      },
      {
        type: 'context',
        elements: [
          {
            type: 'mrkdwn',
            text: '<https://assay.example.org/v1/experiments/digits-20261122-025800-a1b2/report|Report> · digits-20261122-025800-a1b2',
          },
        ],
      },
    ],
  });
});

test('a message to Slack without effect, owner or links, and with a sentence that is too long, keeps to the form that Slack takes', () => {
  const bare = { ...done, owner: null, series: null, effect: null, outcome: null, harm: true, sentence: '<!channel> '.repeat(400) };
  const message = slackMessage({ ...bare, type: 'experiment.failed', links: { report: null, workflow: null } });
  const { text, blocks } = message as { text: string; blocks: { text?: { text: string } }[] };
  expect(blocks).toHaveLength(2);
  expect(text).toMatch(/^:x: Failed, harm shown \(digits\): &lt;!channel&gt; /);
  for (const part of [text, blocks[0]?.text?.text ?? '']) {
    expect(part.length).toBeLessThan(3000);
    expect(part).not.toMatch(/<!|&(?!amp;|lt;|gt;)/);
  }
});

describe('an answer', () => {
  test.each([
    [200, null],
    [202, null],
    [204, null],
    [301, 'refused'],
    [308, 'refused'],
    [400, 'refused'],
    [401, 'refused'],
    [404, 'refused'],
    [408, 'away'],
    [410, 'gone'],
    [413, 'refused'],
    [425, 'away'],
    [429, 'away'],
    [500, 'away'],
    [503, 'away'],
    [599, 'away'],
  ])('%d means %s', (status, meaning) => expect(receptionOf(status)).toBe(meaning));

  test('is told with its first words on one line, and without the path of the address', async () => {
    receiver.answer = (response) => response.writeHead(503, { 'retry-after': '7' }).end('we are\n\u001b[31mdown\u001b[0m for now');
    const error = await failure(deliverOnce(messageTo(receiver.url), settings()));
    expect(error).toMatchObject({ kind: 'away', status: 503, retryAfter: 7000 });
    expect(error.message).toBe(`127.0.0.1:${receiver.port} answered 503 Service Unavailable: we are [31mdown [0m for now`);
  });

  test('that redirects is not followed', async () => {
    const elsewhere = await Receiver.start();
    receiver.answer = (response) => response.writeHead(307, { location: elsewhere.url }).end();
    const error = await failure(deliverOnce(messageTo(receiver.url), settings()));
    expect(error).toMatchObject({ kind: 'refused', status: 307 });
    expect(error.message).toContain('redirects are not followed: write the final address');
    expect(elsewhere.received).toEqual([]);
    await elsewhere.close();
  });

  test('of endless length is read no further than its beginning', async () => {
    let written = 0;
    let closed: Promise<unknown> = Promise.resolve();
    receiver.answer = (response, _, socket) => {
      closed = new Promise((resolve) => socket.on('close', resolve));
      response.writeHead(400);
      const more = (): void => {
        if (socket.destroyed) return;
        response.write('x'.repeat(65_536));
        written += 65_536;
        setImmediate(more);
      };
      more();
    };
    const error = await failure(deliverOnce(messageTo(receiver.url), settings()));
    await closed;
    expect(error.message.length).toBeLessThan(400);
    expect(written).toBeLessThan(2 ** 25);
  });

  test('whose body breaks off or never ends still counts by its status', async () => {
    receiver.answer = (response, _, socket) => {
      response.writeHead(200);
      response.write('par');
      setImmediate(() => socket.resetAndDestroy());
    };
    await expect(deliverOnce(messageTo(receiver.url), settings())).resolves.toEqual({ status: 200 });
    receiver.answer = (response) => void response.writeHead(500).write('never ends');
    const { hosts } = settings();
    const answer = await post(new URL(receiver.url), { headers: {}, body: '{}', lookup: dnsLookup as never, timeoutMs: 200 });
    expect([answer.status, answer.text, hosts.length]).toEqual([500, 'never ends', 1]);
  });
});

describe('no answer', () => {
  test('within the time is said so', async () => {
    receiver.answer = () => undefined;
    const waiting = post(new URL(receiver.url), { headers: {}, body: '{}', lookup: dnsLookup as never, timeoutMs: 200 });
    await expect(waiting).rejects.toThrow('no answer within 0.2 s');
  });

  test('of a port that nobody listens on, of a connection that is reset, or of what is no web server, is a receiver that is away', async () => {
    receiver.answer = (_, __, socket) => void socket.resetAndDestroy();
    expect(await failure(deliverOnce(messageTo(receiver.url), settings()))).toMatchObject({ kind: 'away', status: null });
    const { url } = receiver;
    await receiver.close();
    expect(await failure(deliverOnce(messageTo(url), settings()))).toMatchObject({
      kind: 'away',
      message: expect.stringMatching(/^127\.0\.0\.1:\d+: connect ECONNREFUSED/),
    });
    const noise = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n')).listen(0, '127.0.0.1');
    await once(noise, 'listening');
    const { port } = noise.address() as AddressInfo;
    expect(await failure(deliverOnce(messageTo(`http://127.0.0.1:${port}/`), settings()))).toMatchObject({ kind: 'away', status: null });
    expect(await failure(deliverOnce(messageTo(`https://127.0.0.1:${port}/`), settings()))).toMatchObject({ kind: 'away', status: null });
    noise.close();
    await receiver.open();
  });
});

describe('where messages may go', () => {
  const problem = (url: string, hosts?: string): string | null => hostProblem(new URL(url), hostRules(hosts));

  test.each([
    ['https://hooks.example.org/x', undefined, null],
    ['https://93.184.216.34/x', undefined, null],
    ['http://hooks.example.org/x', undefined, /expected https, got plain http/],
    ['http://hooks.example.org/x', 'hooks.example.org', null],
    ['https://localhost/x', undefined, /localhost is no public address/],
    ['https://api.localhost/x', undefined, /no public address/],
    ['https://127.0.0.1/x', undefined, /no public address/],
    ['https://2130706433/x', undefined, /127\.0\.0\.1 is no public address/],
    ['https://0x7f.1/x', undefined, /127\.0\.0\.1 is no public address/],
    ['https://[::1]/x', undefined, /no public address/],
    ['https://[::ffff:10.0.0.1]/x', undefined, /no public address/],
    ['https://169.254.169.254/latest/meta-data', undefined, /no public address/],
    ['http://127.0.0.1:8080/x', '127.0.0.1:8080', null],
    ['http://127.0.0.1:8081/x', '127.0.0.1:8080', /not among the hosts/],
    ['http://[::1]:8080/x', '[::1]:8080', null],
    ['https://hooks.example.org/x', '*.example.org', null],
    ['https://HOOKS.Example.org./x', '*.example.org', null],
    ['https://example.org/x', '*.example.org', /not among the hosts/],
    ['https://evilexample.org/x', '*.example.org', /not among the hosts/],
    ['https://example.org.evil.net/x', '*.example.org', /not among the hosts/],
    ['http://hooks.example.org/x', '*.example.org', /expected https/],
    ['https://hooks.example.org/x', 'other.example.org', /not among the hosts/],
    ['https://hooks.example.org/x', '*,10.0.0.7', null],
    ['http://10.0.0.7/x', '*,10.0.0.7', null],
    ['https://10.0.0.8/x', '*,10.0.0.7', /no public address/],
  ])('%s under %s', (url, hosts, expected) => {
    if (expected === null) expect(problem(url, hosts)).toBeNull();
    else expect(problem(url, hosts)).toMatch(expected);
  });

  test('a list that cannot be read is refused with the entry', () => {
    expect(() => hostRules('https://x.org/')).toThrow('ASSAY_WEBHOOK_HOSTS holds "https://x.org/"; expected hosts such as');
    expect(() => hostRules('*.')).toThrow('ASSAY_WEBHOOK_HOSTS holds "*."');
  });

  test.each([
    ['8.8.8.8', true],
    ['93.184.216.34', true],
    ['2606:2800:220:1:248:1893:25c8:1946', true],
    ['0.0.0.0', false],
    ['10.1.2.3', false],
    ['100.64.0.1', false],
    ['127.8.9.1', false],
    ['169.254.169.254', false],
    ['172.31.255.255', false],
    ['172.32.0.1', true],
    ['192.168.1.1', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['::', false],
    ['::1', false],
    ['::ffff:127.0.0.1', false],
    ['::ffff:8.8.8.8', false],
    ['64:ff9b::7f00:1', false],
    ['2002:7f00:1::', false],
    ['fd00::1', false],
    ['fe80::1%eth0', false],
    ['not an address', false],
  ])('the address %s is public: %s', (address, expected) => expect(isPublic(address)).toBe(expected));

  test('is decided on the address that the name resolves to when it is sent, so that a name cannot turn inside after it was checked', async () => {
    const answers = [['93.184.216.34'], ['93.184.216.34', '127.0.0.1']];
    const resolve = ((_host: string, _options: object, callback: (error: null, found: object[]) => void) => {
      callback(
        null,
        (answers.pop() ?? ['127.0.0.1']).map((address) => ({ address, family: 4 })),
      );
    }) as unknown as typeof dnsLookup;
    const message = messageTo(`https://rebinding.example.org:${receiver.port}/`);
    expect(targetProblem(message.target, settings({ ASSAY_WEBHOOK_HOSTS: '*' }))).toBeNull();
    const error = await failure(deliverOnce(message, settings({ ASSAY_WEBHOOK_HOSTS: '*' }), { resolve }));
    expect(error).toMatchObject({ kind: 'refused', message: expect.stringContaining('resolves to 127.0.0.1, which is no public address') });
    expect(receiver.received).toEqual([]);
  });
});

describe('a target is refused beforehand', () => {
  const problem = (env: NodeJS.ProcessEnv, change = {}) =>
    targetProblem(targetOf('https://hooks.example.org/x', change), webhookSettings(env));

  test.each([
    [{}, {}, /^secret: ASSAY_WEBHOOK_SECRET is not set/],
    [{ ASSAY_WEBHOOK_SECRET: secret }, { secret: 'TEAM' }, /^secret: ASSAY_WEBHOOK_SECRET_TEAM is not set/],
    [{ ASSAY_WEBHOOK_SECRET: 'hunter2' }, {}, /^secret: ASSAY_WEBHOOK_SECRET holds no secret of the form whsec_/],
    [{ ASSAY_WEBHOOK_SECRET: 'whsec_####' }, {}, /holds no secret of the form/],
    [{ ASSAY_WEBHOOK_SECRET: 'whsec_aGVsbG8=' }, {}, /holds a secret of 5 bytes; expected 24 to 64/],
    [{ ASSAY_WEBHOOK_SECRET: ' ' }, {}, /is empty/],
    [{ ASSAY_WEBHOOK_SECRET: 'hunter2' }, { format: 'slack' }, /holds no secret of the form/],
    [{}, { format: 'slack', secret: 'TEAM' }, /ASSAY_WEBHOOK_SECRET_TEAM is not set/],
    [{ ASSAY_WEBHOOK_SECRET: secret, ASSAY_WEBHOOK_HOSTS: 'example.net' }, {}, /^webhook: hooks\.example\.org is not among the hosts/],
  ])('with %j and %j', (env, change, expected) => {
    expect(problem(env, change)).toMatch(expected);
    expect(problem(env, change)).not.toContain('hunter2');
  });

  test('but not where it is named, allowed and has its secret', () => {
    expect(problem({ ASSAY_WEBHOOK_SECRET: secret })).toBeNull();
    expect(problem({}, { format: 'slack' })).toBeNull();
    expect(problem({ ASSAY_WEBHOOK_SECRET_TEAM: `${secret} ${newSecret()}` }, { secret: 'TEAM' })).toBeNull();
  });
});

describe('the delay after a try', () => {
  test('doubles from five seconds up to an hour, and chance takes up to half of it away', () => {
    expect([1, 2, 3, 10, 11, 1000].map((tries) => delayAfter(tries, null, 1) / 1000)).toEqual([5, 10, 20, 2560, 3600, 3600]);
    expect(delayAfter(3, null, 0)).toBe(10_000);
  });

  test('is at least what the receiver asked for, up to a day', () => {
    expect(delayAfter(1, 60_000, 0.5)).toBe(60_000);
    expect(delayAfter(20, 60_000, 1)).toBe(3_600_000);
    expect(delayAfter(1, 1e12, 0.5)).toBe(patience.refused);
  });

  test.each([
    ['120', 120_000],
    ['Sun, 22 Nov 2026 03:01:00 GMT', 60_000],
    ['Sun, 22 Nov 2020 03:01:00 GMT', 0],
    ['soon', null],
    ['-5', null],
    [undefined, null],
  ])('reads Retry-After: %s', (header, expected) => {
    const read = retryAfterOf(header, Date.parse('2026-11-22T03:00:00Z'));
    // JavaScript reads "-5" as a month of some year: long past.
    expect(read === 0 && expected === null ? null : read).toBe(expected);
  });
});

test('every new secret is another one, of 32 bytes', () => {
  const secrets = [newSecret(), newSecret()];
  expect(new Set(secrets).size).toBe(2);
  for (const made of secrets) expect(readSecrets(made)).toEqual({ keys: [expect.objectContaining({ length: 32 })] });
});
