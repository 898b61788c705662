import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

export const root = resolve(__dirname, '../..');
export const deploy = (...parts: string[]): string => join(root, 'deploy', ...parts);

/** A checker as `npm test` provides it (scripts/lib/deployTools.mjs); says what to do where there is none. */
export function tool(name: string): string {
  const variable = `ASSAY_TEST_${name}`;
  const path = process.env[variable];
  if (path) return path;
  throw new Error(process.env[`${variable}_ERROR`] ?? `${variable} is not set: run the tests by npm test, which provides it`);
}

/** Runs a checker; its output is the message where it does not end well. */
export function check(name: string, args: string[], options: { cwd?: string; input?: string; env?: NodeJS.ProcessEnv } = {}): string {
  const { status, stdout, stderr, error }: SpawnSyncReturns<string> = spawnSync(tool(name), args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    ...options,
  });
  if (status !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${status ?? error?.message}:\n${stdout}\n${stderr}`);
  return stdout;
}

// oxlint-disable-next-line typescript/no-explicit-any -- files of other programs, whose form is what the tests look at.
export const yamlFile = (file: string): any => parse(readFileSync(file, 'utf8'), { merge: true });

export const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));

export interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  for?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export const rules = (): Rule[] =>
  filesIn(deploy('prometheus', 'rules'), '.yml').flatMap((file) =>
    (yamlFile(file) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules),
  );

export const alerts = (): (Rule & { alert: string })[] =>
  rules().filter((rule): rule is Rule & { alert: string } => rule.alert !== undefined);
