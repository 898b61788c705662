import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Token, TokenBook } from './tokens';

/** How long a browser stays signed in. */
export const sessionSeconds = 12 * 3600;

const cookieName = 'assay_session';
const form = 'v1';

/**
 * The token, sealed under a key made of its own hash: any server with the file of tokens opens it, after a restart too; a stolen cookie gives
 * no token, a stolen file of hashes no cookie, and a revoked token takes its sessions along.
 */
export function sealSession({ name, sha256 }: Pick<Token, 'name' | 'sha256'>, secret: string, now = Date.now()): string {
  const head = `${form}.${Math.floor(now / 1000) + sessionSeconds}.${Buffer.from(name).toString('base64url')}`;
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyOf(sha256), nonce).setAAD(Buffer.from(head));
  const sealed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${head}.${sealed.toString('base64url')}`;
}

/** The token in a cookie; null where it is none of ours, has run out, or its token is gone. */
export async function openSession(book: TokenBook, value: string, now = Date.now()): Promise<string | null> {
  const [version, expires = '', name = '', body = ''] = value.split('.');
  if (version !== form || !/^\d{1,12}$/.test(expires) || Number(expires) * 1000 <= now) return null;
  const token = await book.named(Buffer.from(name, 'base64url').toString('utf8'));
  const sealed = Buffer.from(body, 'base64url');
  if (token === null || sealed.length < nonceBytes + tagBytes) return null;
  const decipher = createDecipheriv('aes-256-gcm', keyOf(token.sha256), sealed.subarray(0, nonceBytes), { authTagLength: tagBytes })
    .setAAD(Buffer.from(`${version}.${expires}.${name}`))
    .setAuthTag(sealed.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString('utf8');
  } catch {
    return null;
  }
}

export const sessionOf = ({ cookies }: FastifyRequest): string | null => cookies[cookieName] ?? null;

export function setSession(request: FastifyRequest, reply: FastifyReply, value: string): void {
  void reply.setCookie(cookieName, value, { ...attributes(request), maxAge: sessionSeconds });
}

export function endSession(request: FastifyRequest, reply: FastifyReply): void {
  void reply.clearCookie(cookieName, attributes(request));
}

/**
 * Whether a request comes from a page of this server: what changes something and is known by a cookie alone must. Browsers say so in
 * `Sec-Fetch-Site`, which no page can write and no proxy rewrites; older ones in `Origin`.
 */
export function isSameOrigin({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return headers.origin !== undefined && headers.origin.replace(/^https?:\/\//, '') === headers.host;
}

/** A proxy that ends TLS says so in `X-Forwarded-Proto`; a false one only makes the cookie stricter. */
const attributes = ({ protocol, headers }: FastifyRequest) =>
  ({ path: '/', httpOnly: true, sameSite: 'strict', secure: protocol === 'https' || headers['x-forwarded-proto'] === 'https' }) as const;

const nonceBytes = 12;
const tagBytes = 16;
const keyOf = (sha256: string): Buffer => Buffer.from(hkdfSync('sha256', Buffer.from(sha256, 'hex'), '', 'assay session', 32));
