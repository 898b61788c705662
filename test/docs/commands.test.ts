// Holds every command that the documentation shows, and every flag of it, to the commands that there are.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { program } from '../../src/cli/program';

const root = join(__dirname, '..', '..');
const leftOut = /(^|\/)(node_modules|dist|\.assay|\.git)\//;
const named = ['md', 'yaml', 'yml', 'service', 'timer'].flatMap((end) => ['-o', '-name', `*.${end}`]).slice(1);
const pages = execFileSync('find', ['.', '-path', '*/node_modules', '-prune', '-o', '(', ...named, ')', '-print'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && !leftOut.test(path) && !path.endsWith('CHANGELOG.md'));

/** `assay …` in code, up to the shell's next word: a pipe, a comment, a redirection, a substitution's end. */
function shownIn(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8').replaceAll(/\\\n\s*/g, ' ');
  const blocks = path.endsWith('.md') ? [...text.matchAll(/^(`{3,})[^\n]*\n([^]*?)^\1/gm)].map(([, , body]) => body as string) : [text];
  const spans = path.endsWith('.md')
    ? [...text.replaceAll(/^(`{3,})[^]*?^\1/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code as string)
    : [];
  return (
    [
      ...blocks.flatMap((body) =>
        body
          .split('\n')
          .flatMap((line) => [...line.matchAll(/(?:^\s*|\$ |\$\(|&& |; |\| |run: |-- )assay (.*)/g)].map(([, rest]) => rest as string)),
      ),
      ...spans.filter((code) => code.startsWith('assay ')).map((code) => code.slice('assay '.length)),
    ]
      // A line that `assay serve` prints.
      .filter((rest) => !rest.startsWith('serves '))
      .map((rest) => rest.replace(/\s*(?:[|;&>#)]| 2>|<\().*$/, '').trim())
  );
}

const pathOf = (command: Command): string => (command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`);

/** What is wrong with a shown command, else null. */
function wrongIn(shown: string): string | null {
  let command: Command = program;
  const words = shown.split(/\s+/);
  while (words[0] !== undefined && command.commands.length > 0) {
    const [word] = words;
    const next = command.commands.find((c) => c.name() === word || c.aliases().includes(word as string));
    if (next === undefined) break;
    command = next;
    words.shift();
  }
  if (command === program && words[0] !== undefined && /^[a-z]/.test(words[0])) return `no command \`assay ${words[0]}\``;
  const known = new Set([
    '--help',
    '-h',
    '--version',
    '-V',
    ...[command, program].flatMap(({ options }) => options.flatMap(({ long, short }) => [long, short])),
  ]);
  const flags = words
    .filter((word) => /^\[?-{1,2}[a-z]/i.test(word))
    .flatMap((word) => word.replaceAll(/[[\].,…]/g, '').split('/'))
    .map((word) => word.replace(/=.*$/, ''));
  const unknown = flags.find((flag) => flag.startsWith('-') && !known.has(flag));
  return unknown === undefined ? null : `\`${pathOf(command)}\` has no ${unknown}`;
}

test('every command and flag that the documentation shows is there', () => {
  const shown = pages.flatMap((page) => shownIn(page).map((command) => ({ page, command })));
  expect(shown.length).toBeGreaterThan(150);
  expect(
    shown.flatMap(({ page, command }) => (wrongIn(command) === null ? [] : [`${page}: \`assay ${command}\`: ${wrongIn(command)}`])),
  ).toEqual([]);
});

test('every command is shown somewhere in the documentation', () => {
  const text = pages.map((page) => readFileSync(join(root, page), 'utf8')).join('\n');
  const leaves = (command: Command): Command[] => (command.commands.length === 0 ? [command] : command.commands.flatMap(leaves));
  expect(
    leaves(program)
      .map(pathOf)
      .filter((path) => !text.includes(path)),
  ).toEqual([]);
});
