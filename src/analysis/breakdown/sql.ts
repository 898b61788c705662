/** Conditions as `data.slices` takes them, quoted for any name and text. */
export const equal = (column: string, text: string): string => `${identifier(column)} = '${text.replaceAll("'", "''")}'`;

export const missing = (column: string): string => `${identifier(column)} IS NULL`;

/** Above one number or up to another: one of the two is null. Times are given in milliseconds, and written as times. */
export function range(column: { name: string; time?: boolean }, above: number | null, upTo: number | null): string {
  const value = (bound: number | null): string => (column.time === true ? `'${new Date(bound ?? 0).toISOString()}'` : String(bound));
  return above === null ? `${identifier(column.name)} <= ${value(upTo)}` : `${identifier(column.name)} > ${value(above)}`;
}

export const conjunction = (one: string, other: string): string => `${one} AND ${other}`;

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
