import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/stack/paths';

const root = packageRoot();
const sources = ['src', 'scripts'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
);
const page = readFileSync(join(root, 'docs', 'containers.md'), 'utf8');
const [, troubleshooting = ''] = page.split('## Troubleshooting');
const messages = [...troubleshooting.matchAll(/^\| `([^`]+)` \|/gm)].map(([, message = '']) => message);

test('docs/containers.md explains messages, each as the code gives it', () => {
  expect(messages.length).toBeGreaterThan(10);
  expect(messages.filter((message) => !sources.some((source) => source.includes(message)))).toEqual([]);
});

test('docs/containers.md names every flag of scripts/image.mjs, and its default base', () => {
  const script = readFileSync(join(root, 'scripts', 'image.mjs'), 'utf8');
  const flags = [...script.matchAll(/^ {6}(\w+): \{ type:/gm)].map(([, name = '']) => name);
  expect(flags.length).toBeGreaterThan(5);
  expect(flags.filter((name) => !page.includes(`\`--${name}`))).toEqual([]);
  const base = /^ARG BASE=(\S+)$/m.exec(readFileSync(join(root, 'runtime', 'Dockerfile'), 'utf8'))?.[1];
  expect(page).toContain(`default \`${base}\``);
});
