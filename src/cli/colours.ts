import { createColors } from 'picocolors';

const flags = ['--color', '--no-color'];

/** Any command takes these flags at any place, so none of them need know. */
export const withoutColourFlags = (words: readonly string[]): string[] => words.filter((word) => !flags.includes(word));

/**
 * Whether text for this stream is coloured. The last of `--color` and `--no-color` decides, then `NO_COLOR` (anything but empty), then `FORCE_COLOR` (`0` and
 * `false` forbid), else a terminal that is not dumb has colours: piped text is read by programs, also where `CI` promises to show colours.
 */
export function colourful(
  { isTTY }: { isTTY?: boolean },
  env: NodeJS.ProcessEnv = process.env,
  words: readonly string[] = process.argv,
): boolean {
  const flag = words.findLast((word) => flags.includes(word));
  if (flag !== undefined) return flag === '--color';
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return isTTY === true && env.TERM !== 'dumb';
}

/** For results. */
export const pc = createColors(colourful(process.stdout));

/** For errors and progress, which may go elsewhere than results. */
export const pcError = createColors(colourful(process.stderr));
