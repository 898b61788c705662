import { join } from 'node:path';
import { createToken, readTokens, revokeToken, type Scope, scopes } from '../../api/tokens';
import { AssayError, seconds } from '../../contract';
import { homeDir } from '../home';

interface Where {
  tokens?: string;
}

interface CreateOptions extends Where {
  scope: string[];
  expires?: string;
  owner?: string;
  json?: boolean;
}

export const tokensFile = ({ tokens }: Where): string => tokens ?? join(homeDir(), 'tokens.json');

export async function create(name: string, options: CreateOptions): Promise<void> {
  const wrong = options.scope.find((scope) => !(scopes as readonly string[]).includes(scope));
  if (wrong !== undefined) throw new AssayError('SpecInvalid', `--scope: "${wrong}" is no scope; expected ${scopes.join(', ')}`);
  const expiresAt = options.expires === undefined ? null : endAfter(options.expires);
  const file = tokensFile(options);
  const wanted = { name, scopes: options.scope as Scope[], owner: options.owner ?? null, expiresAt };
  const token = await createToken(file, wanted);
  if (options.json) process.stdout.write(`${JSON.stringify({ ...wanted, token }, null, 2)}\n`);
  else {
    process.stdout.write(`${token}\n`);
    process.stderr.write(`shown this once; ${file} keeps its hash alone\n`);
  }
}

export async function ls(options: Where & { json?: boolean }): Promise<void> {
  const tokens = ((await readTokens(tokensFile(options))) ?? []).map(({ sha256: _sha256, ...shown }) => shown);
  if (options.json) process.stdout.write(`${JSON.stringify(tokens, null, 2)}\n`);
  else if (tokens.length === 0)
    process.stdout.write(`no tokens in ${tokensFile(options)} yet; \`assay token create NAME --scope read\` makes one\n`);
  else {
    const width = Math.max(...tokens.map(({ name }) => name.length));
    for (const { name, scopes: granted, owner, expiresAt } of tokens) {
      const until =
        expiresAt === null
          ? 'no end'
          : `${Date.parse(expiresAt) < Date.now() ? 'expired' : 'until'} ${expiresAt.slice(0, 16).replace('T', ' ')}`;
      process.stdout.write(`${name.padEnd(width)}  ${granted.join(',').padEnd(14)}  ${until}${owner === null ? '' : `  owner ${owner}`}\n`);
    }
  }
}

export async function revoke(name: string, options: Where): Promise<void> {
  await revokeToken(tokensFile(options), name);
  process.stdout.write(`${name} is revoked\n`);
}

function endAfter(text: string): Date {
  const end = new Date(Date.now() + lifetime(text) * 1000);
  if (end.getTime() > Date.now()) return end;
  throw new AssayError('SpecInvalid', `--expires: expected a duration above 0 with an end that a date can name, got "${text}"`);
}

function lifetime(text: string): number {
  try {
    return seconds(text);
  } catch {
    throw new AssayError('SpecInvalid', `--expires: expected a duration such as 90d or 12h, got "${text}"`);
  }
}
