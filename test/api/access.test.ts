// Proves who is let in, what the server takes at most, that every refusal is a problem document, and how it starts, renews and ends.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type DetailedPeerCertificate } from 'node:tls';
import { readTokens, revokeToken } from '../../src/api';
import { until } from '../stack/helpers';
import { apiHome, ask, dockerSpec, expectProblem, type Home, post } from './support';

let home: Home;
beforeEach(() => {
  home = apiHome();
});
afterEach(() => home.stop());

describe('without a file of tokens', () => {
  test('programs of this host are served', async () => {
    const { url } = await home.start();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await ask(`${url}/v1/experiments`)).toMatchObject({ status: 200, body: { experiments: [], next: null } });
  });

  test('a page of another site in a browser of this host is not', async () => {
    const { url } = await home.start();
    expectProblem(await ask(`${url}/v1/experiments`, { headers: { origin: 'https://evil.example' } }), 403, 'forbidden');
    const { port } = new URL(url);
    // A name that leads to loopback: fetch sets Host itself.
    const answer = await raw(Number(port), `GET /v1/experiments HTTP/1.1\r\nHost: evil.example:${port}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });

  test('it refuses to listen beyond loopback, and says how to mend it', async () => {
    await expect(home.start({ host: '0.0.0.0' })).rejects.toThrow(/listening on 0\.0\.0\.0 needs tokens.*assay token create/);
    await home.token('ci', ['read']);
    const { url } = await home.start({ host: '0.0.0.0' });
    expect(url).toMatch(/^http:\/\/0\.0\.0\.0:/);
  });

  test('a file that is made while it runs closes it at once, and losing the file opens nothing', async () => {
    const { url } = await home.start();
    const token = await home.token('first', ['read']);
    expectProblem(await ask(`${url}/v1/experiments`), 401, 'unauthenticated');
    expect((await ask(`${url}/v1/experiments`, { token })).status).toBe(200);
    rmSync(home.tokens);
    expectProblem(await ask(`${url}/v1/experiments`), 401);
    expectProblem(await ask(`${url}/v1/experiments`, { token }), 401);
  });
});

describe('tokens', () => {
  test('each scope includes those before it, and too little is forbidden', async () => {
    const [read, run, admin] = [await home.token('r', ['read']), await home.token('w', ['run']), await home.token('a', ['admin'])];
    const { url } = await home.start();
    const statuses = async (token: string): Promise<number[]> =>
      Promise.all([
        ask(`${url}/v1/experiments`, { token }),
        post(`${url}/v1/experiments`, dockerSpec(), { token }),
        post(`${url}/v1/experiments/nothing/approve`, {}, { token }),
      ]).then((answers) => answers.map(({ status, body }) => (status === 403 && /has the scope/.test(body.detail) ? 0 : status)));
    // 403 of the second is that of the allow-lists; there is no experiment to approve.
    expect(await statuses(read)).toEqual([200, 0, 0]);
    expect(await statuses(run)).toEqual([200, 403, 0]);
    expect(await statuses(admin)).toEqual([200, 403, 404]);
  });

  test('a second user’s token is refused once it is revoked, and the first one’s is not', async () => {
    const [ours, theirs] = [await home.token('ours', ['read']), await home.token('theirs', ['read'])];
    const { url } = await home.start();
    expect((await ask(`${url}/v1/series`, { token: theirs })).status).toBe(200);
    await revokeToken(home.tokens, 'theirs');
    const refused = await ask(`${url}/v1/series`, { token: theirs });
    expectProblem(refused, 401, 'unauthenticated');
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer realm="assay", error="invalid_token"/);
    expect((await ask(`${url}/v1/series`, { token: ours })).status).toBe(200);
  });

  test('an expired one, a wrong one and none are told apart from nothing but their challenge', async () => {
    const expired = await home.token('old', ['read'], { expiresAt: new Date(Date.now() - 1000) });
    await home.token('new', ['read'], { expiresAt: new Date(Date.now() + 60_000) });
    const { url } = await home.start();
    for (const token of [expired, `${expired.slice(0, -1)}~`, 'x']) expectProblem(await ask(`${url}/v1/series`, { token }), 401);
    expect((await ask(`${url}/v1/series`)).headers.get('www-authenticate')).toMatch(/^Bearer realm="assay", Basic/);
  });

  test('a person’s browser may send one as the password of Basic, to look and not to act', async () => {
    const token = await home.token('me', ['admin']);
    const { url } = await home.start();
    const headers = { authorization: `Basic ${Buffer.from(`anyone:${token}`).toString('base64')}` };
    expect((await ask(`${url}/v1/series`, { headers })).status).toBe(200);
    expectProblem(await ask(`${url}/v1/experiments/x-20260101-000000-abcd/pause`, { method: 'POST', headers }), 401);
  });

  test('the file holds no token, belongs to its owner alone, and two writers do not lose one', async () => {
    const token = await home.token('ci', ['read', 'run'], { owner: 'vision' });
    expect(statSync(home.tokens).mode & 0o777).toBe(0o600);
    const text = readFileSync(home.tokens, 'utf8');
    expect(text).not.toContain(token);
    expect(text).toContain(createHash('sha256').update(token).digest('hex'));
    await expect(home.token('ci', ['read'])).rejects.toMatchObject({ type: 'Conflict' });
    const many = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => home.token(`t${i}`, ['read'])));
    const made = many.flatMap((one, i) => (one.status === 'fulfilled' ? [`t${i}`] : []));
    expect(made.length).toBeGreaterThan(0);
    expect((await readTokens(home.tokens))?.map(({ name }) => name).sort()).toEqual(['ci', ...made].sort());
  });

  test('a broken file opens to nobody', async () => {
    const token = await home.token('ci', ['read']);
    const { url } = await home.start();
    writeFileSync(home.tokens, '{"schema": "assay.tokens/1"');
    expectProblem(await ask(`${url}/v1/series`, { token }), 401);
    expectProblem(await ask(`${url}/v1/series`), 401);
  });
});

describe('limits', () => {
  test('too large a body is refused before it is read', async () => {
    const { url } = await home.start({ limits: { body: '64KiB' } });
    expectProblem(await post(`${url}/v1/experiments`, { hypothesis: 'x'.repeat(70_000) }), 413, 'too-large');
  });

  test('too slow a body and too slow headers end with 408', async () => {
    const { url } = await home.start({ limits: { headersTimeout: '1s', requestTimeout: '1s' } });
    const port = Number(new URL(url).port);
    const body = await raw(
      port,
      'POST /v1/experiments HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name"',
    );
    expect(body).toMatch(/^HTTP\/1\.1 408 [^]*application\/problem\+json[^]*urn:assay:problem:timeout/);
    expect(await raw(port, 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ')).toMatch(/^HTTP\/1\.1 408 /);
  }, 20_000);

  test('too many requests of one token are told when to come back; another token goes on', async () => {
    const [busy, calm] = [await home.token('busy', ['read']), await home.token('calm', ['read'])];
    const { url } = await home.start({ limits: { requestsPerMinute: 5 } });
    const answers = [];
    for (let i = 0; i < 7; i++) answers.push(await ask(`${url}/v1/series`, { token: busy }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429, 429]);
    expectProblem(answers[6] as never, 429, 'too-many-requests');
    expect(Number(answers[6]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(`${url}/v1/series`, { token: calm })).status).toBe(200);
  });

  test('what is no HTTP, and what is unknown, is a problem document too', async () => {
    const { url } = await home.start();
    const port = Number(new URL(url).port);
    expect(await raw(port, 'HELLO\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [^]*problem\+json/);
    expect(await raw(port, `GET /healthz HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 [^]*problem\+json/,
    );
    expectProblem(await ask(`${url}/nothing`), 404, 'not-found');
    expectProblem(await ask(`${url}/v1/experiments/%zz`), 400);
    const wrong = await ask(`${url}/v1/experiments`, { method: 'DELETE' });
    expectProblem(wrong, 405, 'method-not-allowed');
    expect(wrong.headers.get('allow')).toBe('GET, HEAD, POST');
    expectProblem(await ask(`${url}/v1/experiments?limit=0`), 400, 'invalid-request');
    const unknown = await ask(`${url}/v1/experiments?colour=red`);
    expectProblem(unknown, 400, 'invalid-request');
    expect(unknown.body.errors).toEqual([{ pointer: '', detail: expect.stringMatching(/colour/) }]);
    expectProblem(await ask(`${url}/v1/experiments`, { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } }), 415);
    expectProblem(await post(`${url}/v1/experiments/x-20260101-000000-abcd/stop-variant`, { variant: 'b' }), 422, 'invalid');
  });
});

test('a port that is taken is told with its mend', async () => {
  const { url } = await home.start();
  await expect(home.start({ port: Number(new URL(url).port) })).rejects.toThrow(/is taken.*--port/);
});

test('health is the process, readiness names what does not answer, metrics need a token unless they are open', async () => {
  const token = await home.token('prometheus', ['read']);
  const { url } = await home.start();
  expect(await ask(`${url}/healthz`)).toMatchObject({ status: 200, body: { status: 'ok' } });
  const ready = await ask(`${url}/readyz`);
  expectProblem(ready, 503, 'not-ready');
  expect(ready.body.checks).toMatchObject({ store: 'ok', temporal: expect.stringMatching(/does not answer/) });
  expectProblem(await ask(`${url}/metrics`), 401);
  const metrics = await ask(`${url}/metrics`, { token });
  expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(metrics.body).toMatch(/assay_api_requests_total\{[^}]*route="\/readyz"[^}]*status="503"[^}]*\} 1/);
  const { url: open } = await home.start({ openMetrics: true });
  expect((await ask(`${open}/metrics`)).status).toBe(200);
});

test('answers carry headers that keep a browser from making more of them', async () => {
  const { url } = await home.start();
  const { headers } = await ask(`${url}/healthz`);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toMatch(/default-src 'none'/);
  expect(headers.get('access-control-allow-origin')).toBeNull();
});

describe('TLS', () => {
  const issue = (name: string): { cert: string; key: string } => {
    const files = { cert: join(home.dir, `${name}.pem`), key: join(home.dir, `${name}.key`) };
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`];
    execFileSync('openssl', [...args, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', files.key, '-out', files.cert], {
      stdio: 'ignore',
    });
    return files;
  };
  const nameAt = async (url: string): Promise<string> => {
    const socket = connectTls({ port: Number(new URL(url).port), host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { subject } = socket.getPeerCertificate() as DetailedPeerCertificate;
    socket.destroy();
    return String(subject.CN);
  };

  test('a renewed certificate is taken without a restart, a broken one is not', async () => {
    const tls = issue('first');
    const { url } = await home.start({ tls });
    expect(url).toMatch(/^https:/);
    expect(await nameAt(url)).toBe('first');
    writeFileSync(tls.cert, 'no certificate');
    const next = issue('second');
    expect(await nameAt(url)).toBe('first');
    renameSync(next.key, tls.key);
    renameSync(next.cert, tls.cert);
    await until('the renewed one is served', async () => (await nameAt(url)) === 'second');
  }, 30_000);

  test('files that are no pair keep it from starting', async () => {
    const [a, b] = [issue('a'), issue('b')];
    await expect(home.start({ tls: { cert: a.cert, key: b.key } })).rejects.toThrow(/are no certificate and key/);
  });
});

/** Writes bytes and gives back all that comes until the other side closes. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('error', () => undefined);
  socket.write(text);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('utf8');
}
