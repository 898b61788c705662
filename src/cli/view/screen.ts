import type { WriteStream } from 'node:tty';

const esc = '\u001b[';
/** A page of its own, without a cursor: whatever the terminal does to its lines when it is resized, nothing of it stays. */
const enter = `${esc}?1049h${esc}?25l`;
const leave = `${esc}?25h${esc}?1049l`;
/** Drawn at once where the terminal knows how, else unheeded. */
const [begin, commit] = [`${esc}?2026h`, `${esc}?2026l`];

export interface Screen {
  /** Draws what `frame` gives for the terminal as it is now. */
  draw(): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** Draws frames on a terminal: again whenever its size changes, and every second, since times go on. */
export function openScreen(out: WriteStream, frame: (size: { columns: number; rows: number }) => string[]): Screen {
  let drawn = '';
  let open = true;
  const draw = (): void => {
    if (!open) return;
    const lines = frame(sizeOf(out));
    const text = `${lines.map((line) => `${esc}2K${line}`).join('\r\n')}\r\n${esc}J`;
    if (text === drawn) return;
    drawn = text;
    out.write(`${begin}${esc}H${text}${commit}`);
  };
  const redraw = (): void => {
    drawn = '';
    draw();
  };
  const restore = (): void => {
    if (open) out.write(leave);
    open = false;
  };
  const suspend = (): void => {
    restore();
    process.kill(process.pid, 'SIGSTOP');
  };
  const resume = (): void => {
    if (!open) out.write(enter);
    open = true;
    redraw();
  };
  const end = (signal: NodeJS.Signals): void => {
    close();
    process.kill(process.pid, signal);
  };
  const timer = setInterval(draw, 1000);
  timer.unref();
  out.on('resize', redraw);
  process.on('SIGTSTP', suspend).on('SIGCONT', resume);
  for (const signal of ending) process.once(signal, end);
  // Also after an error that nobody caught.
  process.once('exit', restore);

  function close(): void {
    clearInterval(timer);
    out.off('resize', redraw);
    process.off('SIGTSTP', suspend).off('SIGCONT', resume).off('exit', restore);
    for (const signal of ending) process.off(signal, end);
    restore();
  }

  out.write(enter);
  redraw();
  return { draw, close };
}

/** Whoever follows the experiment hears SIGINT and SIGTERM itself. */
const ending = ['SIGHUP', 'SIGQUIT'] as const;

/** A terminal may not know its size. */
export const sizeOf = ({ columns, rows }: WriteStream): { columns: number; rows: number } => ({ columns: columns || 80, rows: rows || 24 });
