import { createColors, isColorSupported } from 'picocolors';

/** Only on a terminal: piped text is read by programs, also where `CI` promises to show colours. */
export const pc = createColors(isColorSupported && (Boolean(process.env.FORCE_COLOR) || Boolean(process.stdout.isTTY)));
