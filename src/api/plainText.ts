/** What a program wrote for a terminal, as text: no colours, titles or cursor, and of a line that was drawn anew its last state. */
export const plainText = (text: string): string =>
  text
    .replace(sequences, '')
    .split('\n')
    .map((line) => line.replace(/\r+$/, '').replace(/^[^]*\r/, ''))
    .join('\n')
    .replace(controls, '');

// Built from text, since control characters in a pattern look like a mistake.
const escape = String.fromCharCode(27);
const bell = String.fromCharCode(7);
/** CSI, OSC up to its end, and the short ones (ECMA-48). */
const sequences = new RegExp(
  `${escape}(?:\\[[0-?]*[ -/]*[@-~]?|\\][^${bell}${escape}\\n]*(?:${bell}|${escape}\\\\)?|[PX^_][^${escape}\\n]*(?:${escape}\\\\)?|[ -/]*[0-~])`,
  'g',
);
const controls = /(?![\n\t])\p{Cc}/gu;
