import type { WriteStream } from 'node:tty';
import type { Progress, TrainProgress } from '../../contract';
import { colourful } from '../colours';
import { frame, head } from './frame';
import { plainLines } from './plain';
import { openScreen, sizeOf } from './screen';
import type { ViewState } from './state';

/** What an experiment shows while it is followed. */
export interface LiveView {
  /** Runs whose trainers it has a place for; nobody need ask for more. */
  readonly trainers: number;
  show(now: { progress: Progress; trainers: ViewState['trainers']; places: ViewState['places'] }): void;
  /** Nobody answers, and why; what is known stays. */
  silent(message: string): void;
  /** Gives the terminal back. */
  close(): void;
}

/** On a terminal a page that redraws itself; elsewhere, and where a terminal can do nothing but lines, a line for each change. */
export function liveView(out: WriteStream, experimentId: string): LiveView {
  return isScreen(out) ? screenView(out, experimentId) : plainView(out);
}

/** Whether lines can be drawn over; `CI` logs call themselves terminals and are none. */
export const isScreen = (out: { isTTY?: boolean }, env: NodeJS.ProcessEnv = process.env): boolean =>
  out.isTTY === true && !env.CI && env.TERM !== 'dumb';

function plainView(out: WriteStream): LiveView {
  const lines = plainLines((line) => void out.write(`${line}\n`));
  return { trainers: 0, show: ({ progress }) => lines.progress(progress), silent: lines.silence, close: () => undefined };
}

function screenView(out: WriteStream, experimentId: string): LiveView {
  const colour = colourful(out);
  const none: ReadonlyMap<string, TrainProgress> = new Map();
  let known: Omit<ViewState, 'now'> = { experimentId, progress: null, trainers: none, places: new Map(), silence: '' };
  const state = (): ViewState => ({ ...known, now: Date.now() });
  const screen = openScreen(out, (size) => frame(state(), { ...size, colour }));
  let closed = false;
  return {
    get trainers() {
      return sizeOf(out).rows;
    },
    show(now) {
      known = { ...known, ...now, silence: '' };
      screen.draw();
    },
    silent(silence) {
      known = { ...known, silence };
      screen.draw();
    },
    close() {
      if (closed) return;
      closed = true;
      screen.close();
      out.write(
        head(state(), { ...sizeOf(out), colour })
          .map((line) => `${line}\n`)
          .join(''),
      );
    },
  };
}
