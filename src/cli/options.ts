import { InvalidArgumentError, Option } from 'commander';
import { AssayError } from '../contract';

/** Options and readers of arguments that several commands share. */
export const json = new Option('--json', 'print one JSON document and nothing else');
export const failOn = new Option(
  '--fail-on <outcomes>',
  'exit 4 on these: harm, keep, inconclusive, equivalent (invalid is one always)',
).argParser(outcomesOf);

export const summary = new Option(
  '--summary <file>',
  'write the comment for a pull request there, in Markdown, however it ends; the exit code stays',
);

export function whole(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) throw new InvalidArgumentError('Expected a whole number.');
  return value;
}

export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('Expected a number from 0 to 1.');
  return value;
}

export function wholes(text: string): number[] {
  return text.split(',').map(whole);
}

export function list(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}

export function listed(text: string, earlier: string[]): string[] {
  return [...earlier, ...list(text)];
}

export function collect(value: string, earlier: string[]): string[] {
  return [...earlier, value];
}

function outcomesOf(text: string): string[] {
  const known = ['harm', 'keep', 'inconclusive', 'equivalent', 'adopt', 'invalid'];
  const given = list(text);
  const wrong = given.find((outcome) => !known.includes(outcome));
  if (wrong !== undefined) throw new AssayError('SpecInvalid', `--fail-on: "${wrong}" is no outcome; expected ${known.join(', ')}`);
  return given;
}
