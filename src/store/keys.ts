import { AssayError } from '../contract';

/**
 * Where things lie in a backend. A generation above 0 names an object that was written again after gc had begun to delete it: the name
 * that is being deleted is never used again, so that a late delete cannot hit what came after it.
 */
export const objectKey = (digest: string, generation = 0): string => {
  const hex = hexOf(digest);
  return `objects/${hex.slice(0, 2)}/${hex.slice(2)}${generation === 0 ? '' : `.${generation}`}`;
};

export const packKey = (digest: string, generation = 0): string => `packs/${hexOf(digest)}${generation === 0 ? '' : `.${generation}`}`;

export const prefixes = { objects: 'objects/', packs: 'packs/', refs: 'refs/', marks: 'marks/' } as const;

/** The digest and generation of an object's or a pack's key; null for another key. */
export function parseKey(key: string): { digest: string; generation: number } | null {
  const found = /^(?:objects\/([0-9a-f]{2})\/([0-9a-f]{62})|packs\/([0-9a-f]{64}))(?:\.([1-9]\d*))?$/.exec(key);
  if (found === null) return null;
  const [, head = '', tail = '', whole = '', generation = '0'] = found;
  return { digest: `sha256:${head}${tail}${whole}`, generation: Number(generation) };
}

export function hexOf(digest: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) throw new AssayError('NotFound', `"${digest}" is no digest: expected sha256: and 64 hexadecimal digits.`);
  return hex;
}
