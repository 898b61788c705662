/** What a program wrote for a terminal, as text: no colours, titles or cursor, and of a line that was drawn anew its last state. */
export const plainText = (text: string): string => text.replace(sequences, '').split('\n').map(lastState).join('\n').replace(controls, '');

/** By hand, since a pattern takes the square of a long run of returns. */
function lastState(line: string): string {
  let end = line.length;
  while (end > 0 && line[end - 1] === '\r') end--;
  return line.slice(end === 0 ? 0 : line.lastIndexOf('\r', end - 1) + 1, end);
}

// Built from text, since control characters in a pattern look like a mistake.
const escape = String.fromCharCode(27);
const bell = String.fromCharCode(7);
/** CSI, OSC up to its end, and the short ones (ECMA-48). */
const sequences = new RegExp(
  `${escape}(?:\\[[0-?]*[ -/]*[@-~]?|\\][^${bell}${escape}\\n]*(?:${bell}|${escape}\\\\)?|[PX^_][^${escape}\\n]*(?:${escape}\\\\)?|[ -/]*[0-~])`,
  'g',
);
const controls = /(?![\n\t])\p{Cc}/gu;
