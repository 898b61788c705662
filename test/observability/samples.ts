export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** The samples of a text in Prometheus' format. */
export function samplesOf(text: string): Sample[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, inner = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`);
      const labels = Object.fromEntries([...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, content]) => [key, content]));
      return { name, labels, value: Number(value === '+Inf' ? 'Infinity' : value) };
    });
}

/** Of the one sample with these labels and no other ones. */
export function valueOf(text: string, name: string, labels: Record<string, string>): number | undefined {
  const same = (other: Record<string, string>): boolean =>
    Object.keys(other).length === Object.keys(labels).length && Object.entries(labels).every(([key, value]) => other[key] === value);
  return samplesOf(text).find((sample) => sample.name === name && same(sample.labels))?.value;
}
