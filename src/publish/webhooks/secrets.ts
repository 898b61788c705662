import { randomBytes } from 'node:crypto';
import type { NotifyTarget } from '../../contract';

const prefix = 'whsec_';
const fewestBytes = 24;
const mostBytes = 64;

/** A secret of 32 random bytes, as a receiver and the environment of the control pool take it. */
export const newSecret = (): string => `${prefix}${randomBytes(32).toString('base64')}`;

/** The variable that holds a target's secret. */
export const secretVariable = ({ secret }: Pick<NotifyTarget, 'secret'>): string =>
  secret === null ? 'ASSAY_WEBHOOK_SECRET' : `ASSAY_WEBHOOK_SECRET_${secret}`;

/** Keys of secrets that spaces separate: while a secret is replaced, the old and the new one sign both. Or what is wrong with the text. */
export function readSecrets(text: string): { keys: Buffer[] } | { problem: string } {
  const keys: Buffer[] = [];
  for (const secret of text.split(/\s+/).filter(Boolean)) {
    const encoded = secret.slice(prefix.length);
    const key = Buffer.from(encoded, 'base64');
    // The value itself stays out of every message.
    if (!secret.startsWith(prefix) || key.toString('base64').replace(/=+$/, '') !== encoded.replace(/=+$/, ''))
      return { problem: `holds no secret of the form ${prefix} and base64; \`assay webhook secret\` makes one` };
    if (key.length < fewestBytes || key.length > mostBytes)
      return {
        problem: `holds a secret of ${key.length} bytes; expected ${fewestBytes} to ${mostBytes}; \`assay webhook secret\` makes one`,
      };
    keys.push(key);
  }
  return keys.length === 0 ? { problem: 'is empty; `assay webhook secret` makes a secret' } : { keys };
}
