// Proves: the receivers that docs/webhooks.md prints work as they stand, and take nothing that is not signed, changed, or old.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { deliverOnce, newSecret, webhookSettings } from '../../src/publish';
import { webhookHeaders } from '../../src/publish/webhooks/sign';
import { readSecrets } from '../../src/publish/webhooks/secrets';
import { until } from '../e2e/cluster';
import { done, messageTo, secret } from './receiver';

const page = readFileSync(join(__dirname, '../../docs/webhooks.md'), 'utf8');
const block = (language: string): string => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? '';

let child: ChildProcess;
afterEach(async () => {
  const gone = once(child, 'exit');
  child.kill();
  await gone;
});

test.each([
  ['Node', process.execPath, ['-e', block('js')]],
  ['Python', process.env.ASSAY_PYTHON ?? 'python3', ['-c', block('python')]],
])(
  'the receiver in %s',
  async (_, command, args) => {
    const port = await freePort();
    child = spawn(command, args, {
      env: { ...process.env, ASSAY_WEBHOOK_SECRET: secret, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => lines.push(line));
    const settings = webhookSettings({ ASSAY_WEBHOOK_HOSTS: '127.0.0.1', ASSAY_WEBHOOK_SECRET: secret });
    const message = messageTo(`http://127.0.0.1:${port}/`);
    // Before it listens nobody answers.
    await until(async () => (await deliverOnce(message, settings)).status === 204, 20_000);
    // The same message again is taken, and done once.
    await expect(deliverOnce(message, settings)).resolves.toEqual({ status: 204 });
    await expect(deliverOnce({ ...message, id: 'another' }, settings)).resolves.toEqual({ status: 204 });
    const stranger = webhookSettings({ ASSAY_WEBHOOK_HOSTS: '127.0.0.1', ASSAY_WEBHOOK_SECRET: newSecret() });
    await expect(deliverOnce({ ...message, id: 'forged' }, stranger)).rejects.toMatchObject({ kind: 'refused', status: 401 });
    const body = JSON.stringify({ ...done, sentence: 'an old one' });
    const read = readSecrets(secret);
    const old = webhookHeaders('keys' in read ? read.keys : [], { id: 'old', timestamp: Math.floor(Date.now() / 1000) - 3600, body });
    expect((await fetch(message.target.webhook, { method: 'POST', headers: old, body })).status).toBe(401);
    await deliverOnce({ ...message, id: 'last', event: { ...done, sentence: 'the last' } }, settings);
    while (lines.at(-1) !== 'the last') await once(child.stdout as NodeJS.ReadableStream, 'data');
    expect(lines).toEqual([done.sentence, done.sentence, 'the last']);
  },
  30_000,
);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
