/** Columns of one width; the first to the left, the others to the right. */
export function aligned(table: string[][]): string[] {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number)))
      .join('  ')
      .trimEnd(),
  );
}

/** A long name without its middle: both ends tell files of one kind apart. */
export function cut(text: string, longest: number): string {
  const letters = [...plain(text)];
  if (letters.length <= longest) return letters.join('');
  const tail = Math.floor((longest - 1) / 2);
  return [...letters.slice(0, longest - 1 - tail), '…', ...letters.slice(letters.length - tail)].join('');
}

/** Names come from files: what would move the cursor or change colours is shown as a question mark. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

export function number(value: number | null, signed = false): string {
  if (value === null) return '-';
  const text = value.toFixed(4);
  if (Number(text) === 0) return '0.0000';
  return signed && value > 0 ? `+${text}` : text;
}

export function pValue(value: number | null): string {
  if (value === null) return '-';
  return value < 1e-4 ? '< 0.0001' : value.toFixed(4);
}

/** "1 row", "1,000,000 rows". */
export const counted = (count: number, noun: string): string =>
  `${String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')} ${noun}${count === 1 ? '' : 's'}`;
