/** Bytes of JSON that a static summary may have: servers refuse a start whose summary is over 400 bytes with its envelope. */
const summaryBytes = 320;

/** A person's sentence as a workflow's static summary: one line, cut where a server would refuse it. */
export function summaryText(text: string): string {
  return cutTo(text.replace(/\s+/g, ' ').trim(), summaryBytes);
}

/** The longest beginning of `text` with at most `bytes` bytes of JSON, with an ellipsis where something is left out. */
export function cutTo(text: string, bytes: number): string {
  if (jsonBytes(text) <= bytes) return text;
  const characters = [...text];
  let [low, high] = [0, characters.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (jsonBytes(`${characters.slice(0, middle).join('')}…`) <= bytes) low = middle;
    else high = middle - 1;
  }
  return `${characters.slice(0, low).join('')}…`;
}

/** Text that others wrote, safe in a line or a cell of Markdown. */
export function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*[\]|<>]/g, (character) => (character === '<' ? '&lt;' : character === '>' ? '&gt;' : `\\${character}`));
}

/** A table of Markdown; empty without rows. Cells are Markdown already. */
export function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heads), `|${heads.map(() => ' --- |').join('')}`, ...rows.map(line)];
}

const jsonBytes = (text: string): number => new TextEncoder().encode(JSON.stringify(text)).length;
