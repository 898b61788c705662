import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformSync } from '@swc/core';
import type { Act } from './churnChild';
import { temporaryFolder } from './helpers';

const root = join(__dirname, '../..');
let compiled: string | undefined;
const begun: ChildProcess[] = [];

/** A process of its own that uses the store: churn('put', [<store url>, …]); see churnChild.ts. The sources are compiled once a suite, so that many start quickly. */
export function churn(act: Act, args: string[], extra: Record<string, string> = {}): ChildProcess {
  compiled ??= compile();
  const env = { ...process.env, NODE_PATH: join(root, 'node_modules'), NODE_OPTIONS: '', ...extra };
  const child = spawn(process.execPath, [join(compiled, 'test/store/churnChild.js'), act, ...args], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  begun.push(child);
  return child;
}

/** Those of a test that failed go on otherwise. */
export function endChurn(): void {
  for (const child of begun.splice(0)) child.kill('SIGKILL');
}

function compile(): string {
  const target = temporaryFolder();
  for (const folder of ['src/contract', 'src/store', 'src/observability'])
    for (const name of readdirSync(join(root, folder), { recursive: true }) as string[])
      if (name.endsWith('.ts')) compileFile(target, join(folder, name));
  for (const name of ['churnChild.ts', 'churnContent.ts']) compileFile(target, join('test/store', name));
  return target;
}

function compileFile(target: string, path: string): void {
  const options = { filename: path, jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } } as const;
  const { code } = transformSync(readFileSync(join(root, path), 'utf8'), { ...options, swcrc: false });
  const out = join(target, path.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, code);
}
