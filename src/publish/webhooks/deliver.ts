import { STATUS_CODES } from 'node:http';
import { isNativeError } from 'node:util/types';
import type { NotificationInput, NotifyTarget } from '../../contract';
import { guardedLookup, hostProblem, type HostRule, hostRules } from './hosts';
import { type Answer, post } from './post';
import { NotTaken, receptionOf, retryAfterOf } from './reception';
import { readSecrets, secretVariable } from './secrets';
import { webhookHeaders } from './sign';
import { slackMessage } from './slack';

/** Where messages may go, and what signs them. */
export interface WebhookSettings {
  hosts: HostRule[];
  /** What a variable of the environment holds. */
  secret: (variable: string) => string | undefined;
}

/** ASSAY_WEBHOOK_HOSTS and the secrets, which are read at each use. */
export const webhookSettings = (env: NodeJS.ProcessEnv = process.env): WebhookSettings => ({
  hosts: hostRules(env.ASSAY_WEBHOOK_HOSTS),
  secret: (variable) => env[variable],
});

const timeoutMs = 10_000;

/** One try. Resolves with the status once the receiver has taken it; rejects with `NotTaken`. */
export async function deliverOnce(
  { id, target, event }: NotificationInput,
  settings: WebhookSettings,
  { signal, resolve }: { signal?: AbortSignal; resolve?: Parameters<typeof guardedLookup>[2] } = {},
): Promise<{ status: number }> {
  const problem = targetProblem(target, settings);
  if (problem !== null) throw new NotTaken('refused', problem);
  const url = new URL(target.webhook);
  const body = JSON.stringify(target.format === 'slack' ? slackMessage(event) : event);
  const signed = { id, timestamp: Math.floor(Date.now() / 1000), body };
  let answer: Answer;
  try {
    answer = await post(url, {
      headers: { ...webhookHeaders(keysOf(target, settings), signed), 'content-type': 'application/json', 'user-agent': 'assay' },
      ...{ body, timeoutMs, lookup: guardedLookup(url, settings.hosts, resolve) },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (error instanceof NotTaken || signal?.aborted === true) throw error;
    throw new NotTaken('away', `${url.host}: ${isNativeError(error) ? error.message || String(error.name) : String(error)}`);
  }
  const reception = receptionOf(answer.status);
  if (reception === null) return { status: answer.status };
  const retryAfter = retryAfterOf(answer.retryAfter, Date.now());
  throw new NotTaken(reception, saidBy(url, answer), { status: answer.status, retryAfter });
}

/** What keeps messages from this target whatever the receiver does, as `key: sentence`; null where nothing does. */
export function targetProblem(target: NotifyTarget, settings: WebhookSettings): string | null {
  if (!URL.canParse(target.webhook)) return `webhook: expected an address, got "${target.webhook}"`;
  const host = hostProblem(new URL(target.webhook), settings.hosts);
  if (host !== null) return `webhook: ${host}`;
  const variable = secretVariable(target);
  const text = settings.secret(variable);
  if (text === undefined) {
    // The address of an incoming webhook of Slack is its secret; nobody there looks at signatures.
    if (target.format === 'slack' && target.secret === null) return null;
    return `secret: ${variable} is not set in the environment of the control pool, which sends; \`assay webhook secret\` makes one`;
  }
  const read = readSecrets(text);
  return 'problem' in read ? `secret: ${variable} ${read.problem}` : null;
}

function keysOf(target: NotifyTarget, settings: WebhookSettings): Buffer[] {
  const read = readSecrets(settings.secret(secretVariable(target)) ?? '');
  return 'keys' in read ? read.keys : [];
}

/** The path of the address stays out: it may be a secret. */
function saidBy({ host }: URL, { status, text }: Answer): string {
  const words = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
  const said = words === '' ? '' : `: ${words.length > 300 ? `${words.slice(0, 300)}…` : words}`;
  const redirect = status >= 300 && status < 400 ? ' (redirects are not followed: write the final address)' : '';
  return `${host} answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd() + redirect + said;
}
