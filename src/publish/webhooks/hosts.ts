import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { isPublic } from './addresses';
import { NotTaken } from './reception';

/** One entry of ASSAY_WEBHOOK_HOSTS. A name in full is trusted: it may be private and without TLS; a pattern admits public hosts over https. */
export interface HostRule {
  /** `*`, `*.example.org`, or a host in lower case; an IPv6 address in brackets. */
  host: string;
  /** Null admits any. */
  port: string | null;
}

/** Entries with commas between them; without any, every public host over https. */
export function hostRules(text: string | undefined): HostRule[] {
  const entries = (text ?? '').split(',').flatMap((part) => part.trim().toLowerCase() || []);
  return (entries.length === 0 ? ['*'] : entries).map((entry) => {
    const [, host = '', port = null] = /^(\*|(?:\*\.)?[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(\d+))?$/.exec(entry) ?? [];
    if (host === '')
      throw new Error(`ASSAY_WEBHOOK_HOSTS holds "${entry}"; expected hosts such as hooks.example.org, *.example.org, 10.0.0.7:8080 or *`);
    return { host: bare(host), port };
  });
}

/** Why a message must not go to this address, in words that follow it; null where it may. What a name resolves to is judged when it is sent. */
export function hostProblem(url: URL, rules: readonly HostRule[]): string | null {
  if (isTrusted(url, rules)) return null;
  const host = bare(url.hostname);
  const admitted = rules.some(
    (rule) => samePort(rule, url) && (rule.host === '*' || (rule.host.startsWith('*.') && host.endsWith(rule.host.slice(1)))),
  );
  if (!admitted) return `${host} is not among the hosts that ASSAY_WEBHOOK_HOSTS allows in the environment of the control pool`;
  if (url.protocol !== 'https:') return `expected https, got plain http; ${listIt(host)}`;
  const literal = host.replace(/^\[|\]$/g, '');
  const local = host === 'localhost' || host.endsWith('.localhost') || (isIP(literal) !== 0 && !isPublic(literal));
  return local ? `${host} is no public address; ${listIt(host)}` : null;
}

/** Resolves a host when the connection is made and refuses what is not public, so that a name cannot point inside after it was checked. */
export function guardedLookup(url: URL, rules: readonly HostRule[], resolve: typeof lookup = lookup): LookupFunction {
  if (isTrusted(url, rules)) return lookup as LookupFunction;
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, '');
      const [first] = addresses;
      const wrong = addresses.find(({ address }) => !isPublic(address));
      if (wrong !== undefined || first === undefined)
        return callback(
          new NotTaken('refused', `${host} resolves to ${wrong?.address ?? 'nothing'}, which is no public address; ${listIt(host)}`),
          '',
        );
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

const listIt = (host: string): string => `a receiver of your own network has to stand in ASSAY_WEBHOOK_HOSTS by its name, as ${host}`;

const isTrusted = (url: URL, rules: readonly HostRule[]): boolean =>
  rules.some((rule) => rule.host === bare(url.hostname) && samePort(rule, url));

const samePort = ({ port }: HostRule, url: URL): boolean =>
  port === null || port === (url.port || (url.protocol === 'https:' ? '443' : '80'));

/** A full stop at the end names the same host. */
const bare = (host: string): string => host.replace(/\.$/, '');
