import * as formatters from '../report/formatters';
import { isScreen } from './view/liveView';
import { sizeOf } from './view/screen';
import { cutTo, printable } from './view/text';

/** One line of progress on a terminal, redrawn at most five times a second; nothing where nobody looks. */
export function progressLine(what: string, out = process.stderr) {
  let last = 0;
  const shown = isScreen(out);
  return {
    show({ files, bytes }: { files?: number; bytes?: number }): void {
      const now = Date.now();
      if (!shown || now - last < 200) return;
      last = now;
      const parts = [
        ...(files === undefined ? [] : [`${formatters.formatCount(files)} files`]),
        ...(bytes === undefined ? [] : [formatters.formatBytes(bytes)]),
      ];
      // A line that wraps could not be taken back.
      out.write(`\r\u001b[2K${cutTo(printable(`${what} ${parts.join(', ')}`), sizeOf(out).columns - 1)}`);
    },
    end(): void {
      if (shown && last > 0) out.write('\r\u001b[2K');
    },
  };
}
