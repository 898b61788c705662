import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { homeDir } from '../home';
import type { Report } from './command';
import type { ReportOptions } from './formats';

/** Text goes to standard output unless a file is named; a page goes to a file, whose path is said. */
export async function deliver(report: Report, { format, output, open }: ReportOptions): Promise<void> {
  if (format === 'md' || format === 'json') {
    const text = format === 'md' ? await report.md() : `${JSON.stringify(await report.json(), null, 2)}\n`;
    if (output === undefined) process.stdout.write(text);
    else await written(output, text);
    return;
  }
  const page = await report.html();
  const path = resolve(output ?? join(homeDir(), 'reports', `${report.name}.${format}`));
  await written(path, format === 'html' ? page : await (await import('./pdf.js')).printPdf(page));
  process.stdout.write(`${path}\n`);
  if (open) openFile(path);
}

async function written(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(resolve(path)), { recursive: true });
  await writeFile(path, content);
}

function openFile(path: string): void {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open';
  spawn(opener, [path], { stdio: 'ignore', detached: true })
    .on('error', () => process.stderr.write(`${opener} is not here; open ${path} yourself\n`))
    .unref();
}
