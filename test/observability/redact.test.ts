// Proves: what is logged holds no secret, wherever one may hide.
import { redact, redactText } from '../../src/observability';

test.each([
  ['https://user:hunter2@example.org/x', 'https://[redacted]@example.org/x'],
  ['authorization: Bearer abcdef0123456789', 'authorization: Bearer [redacted]'],
  ['s3 GET /b/k?X-Amz-Signature=0123abcd&x=1', 's3 GET /b/k?X-Amz-Signature=[redacted]&x=1'],
  ['signed with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'signed with [redacted]'],
  ['to https://hooks.slack.com/services/T0/B0/abc', 'to https://hooks.slack.com/[redacted]'],
  ['no secret: file:///var/assay and http://127.0.0.1:8080/x', 'no secret: file:///var/assay and http://127.0.0.1:8080/x'],
])('a text loses its secret: %s', (text, safe) => {
  expect(redactText(text)).toBe(safe);
});

test('values under the names of secrets are hidden, at any depth, and others are not', () => {
  expect(
    redact({
      headers: { Authorization: 'x', 'set-cookie': ['a'] },
      apiKey: 'k',
      AWS_SECRET_ACCESS_KEY: 'k',
      tokens: 3,
      key: { seed: 1 },
      none: null,
    }),
  ).toEqual({
    ...{ headers: { Authorization: '[redacted]', 'set-cookie': '[redacted]' }, apiKey: '[redacted]' },
    ...{ AWS_SECRET_ACCESS_KEY: '[redacted]', tokens: 3, key: { seed: 1 }, none: null },
  });
});

test('an error becomes its type, message, stack and cause, without their secrets', () => {
  const error = new TypeError('GET https://a:b@example.org failed', { cause: new Error('token=abcdefgh') });
  expect(redact({ error })).toMatchObject({
    error: { type: 'TypeError', message: 'GET https://[redacted]@example.org failed', cause: { message: 'token=[redacted]' } },
  });
  expect(JSON.stringify(redact({ error }))).not.toMatch(/a:b@|abcdefgh/);
});
