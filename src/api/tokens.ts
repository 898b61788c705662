import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { AssayError } from '../contract';

/** Each includes those before it. `read` looks; `run` starts and steers; `admin` approves, rejects, and takes devices from others. */
export const scopes = ['read', 'run', 'admin'] as const;
export type Scope = (typeof scopes)[number];

const Token = z.strictObject({
  name: z.string(),
  /** SHA-256 of the token, hexadecimal: 256 random bits need no slow hash. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(scopes)).min(1),
  /** Experiments that it starts belong to this owner, and to no other. */
  owner: z.string().nullable(),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().nullable(),
});
export type Token = z.output<typeof Token>;

const TokensFile = z.strictObject({ schema: z.literal('assay.tokens/1'), tokens: z.array(Token) });

/** Null where there is no such file. Throws `SpecInvalid` where it is none. */
export async function readTokens(file: string): Promise<Token[] | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new AssayError('SpecInvalid', `${file}: cannot be read (${error.code})`, { cause: error });
  });
  if (text === null) return null;
  try {
    return TokensFile.parse(JSON.parse(text)).tokens;
  } catch (cause) {
    throw new AssayError(
      'SpecInvalid',
      `${file}: is no file of tokens; restore it, or remove it and make new ones with \`assay token create\``,
      {
        cause,
      },
    );
  }
}

export interface NewToken {
  name: string;
  scopes: Scope[];
  owner: string | null;
  expiresAt: Date | null;
}

/** Adds a token; returns its text, which is nowhere else. */
export async function createToken(file: string, { name, scopes: granted, owner, expiresAt }: NewToken): Promise<string> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/.test(name))
    throw new AssayError('SpecInvalid', `${name}: expected a name of letters, digits, ".", "_", "-", "@", at most 63`);
  const secret = `assay_${randomBytes(32).toString('base64url')}`;
  await change(file, (tokens) => {
    if (tokens.some((token) => token.name === name))
      throw new AssayError('Conflict', `there is a token "${name}" in ${file}; \`assay token revoke ${name}\` takes it away`);
    const times = { createdAt: new Date().toISOString(), expiresAt: expiresAt?.toISOString() ?? null };
    return [...tokens, { name, sha256: hashOf(secret), scopes: granted, owner, ...times }];
  });
  return secret;
}

export async function revokeToken(file: string, name: string): Promise<void> {
  await change(file, (tokens) => {
    const left = tokens.filter((token) => token.name !== name);
    if (left.length < tokens.length) return left;
    const known = tokens.map((token) => token.name).join(', ');
    throw new AssayError('NotFound', `no token "${name}" in ${file}; known: ${known || 'none yet'}`);
  });
}

/** Whole or not at all, readable to its owner alone, one writer at a time. */
async function change(file: string, edit: (tokens: Token[]) => Token[]): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const beside = `${file}.new`;
  // The exclusive file is also the lock: whoever made it is the one that writes.
  const handle = await open(beside, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw new AssayError(
      'Conflict',
      `${beside} is there: another command changes the tokens; where none does, remove that file and ask again`,
    );
  });
  try {
    const tokens = edit((await readTokens(file)) ?? []);
    await handle.writeFile(`${JSON.stringify({ schema: 'assay.tokens/1', tokens }, null, 2)}\n`);
    await handle.sync();
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** The tokens of a running server: the file is read again whenever it changed. */
export class TokenBook {
  readonly file: string;
  /** Of the file that was last read; `none` where there was none. */
  #stamp = '';
  #tokens: Token[] | null = null;
  #seen = false;
  #reading: Promise<void> | null = null;

  constructor(file: string) {
    this.file = file;
  }

  /** Whether callers need a token: from the first time that there was a file on, also where it is lost or broken since. */
  async required(): Promise<boolean> {
    await this.#refresh();
    return this.#seen;
  }

  /** The token of that text, null where there is none or it has expired. */
  async find(secret: string, now = Date.now()): Promise<Token | null> {
    await this.#refresh();
    const wanted = Buffer.from(hashOf(secret), 'hex');
    let found: Token | null = null;
    // Every one is compared, in constant time.
    for (const token of this.#tokens ?? []) if (timingSafeEqual(Buffer.from(token.sha256, 'hex'), wanted)) found = token;
    return found !== null && (found.expiresAt === null || Date.parse(found.expiresAt) > now) ? found : null;
  }

  /** The token of that name, null where there is none. */
  async named(name: string): Promise<Token | null> {
    await this.#refresh();
    return this.#tokens?.find((token) => token.name === name) ?? null;
  }

  /** One at a time: nobody is judged by what is half read. */
  #refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const found = await stat(this.file).catch(() => null);
    const stamp = found === null ? 'none' : `${found.ino} ${found.mtimeMs} ${found.size}`;
    if (stamp === this.#stamp) return;
    // A broken file opens to nobody.
    this.#tokens = await readTokens(this.file).catch(() => []);
    this.#seen ||= this.#tokens !== null;
    this.#stamp = stamp;
  }
}
