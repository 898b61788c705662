import * as formatters from '../report/formatters';

/** One line of progress on a terminal, redrawn at most five times a second; nothing where nobody looks. */
export function progressLine(what: string, out = process.stderr) {
  let last = 0;
  const shown = Boolean(out.isTTY) && !process.env.CI;
  return {
    show({ files, bytes }: { files?: number; bytes?: number }): void {
      const now = Date.now();
      if (!shown || now - last < 200) return;
      last = now;
      const parts = [
        ...(files === undefined ? [] : [`${formatters.formatCount(files)} files`]),
        ...(bytes === undefined ? [] : [formatters.formatBytes(bytes)]),
      ];
      out.write(`\r\u001b[2K${what} ${parts.join(', ')}`);
    },
    end(): void {
      if (shown && last > 0) out.write('\r\u001b[2K');
    },
  };
}
