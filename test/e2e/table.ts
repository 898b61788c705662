import { writeFileSync } from 'node:fs';

/** Two overlapping clouds, the same every time; `shift` moves x of every row. */
export function writeTable(path: string, shift = 0, rows = 600): void {
  const lines = Array.from({ length: rows }, (_, i) => {
    const label = i % 2;
    const [x, y] = [Math.sin(i) + label * 0.8 + shift, Math.cos(1.7 * i) - label * 0.6];
    return `r${String(i).padStart(3, '0')},${label === 0 ? 'a' : 'b'},${x.toFixed(5)},${y.toFixed(5)}`;
  });
  writeFileSync(path, `id,label,x,y\n${lines.join('\n')}\n`);
}
