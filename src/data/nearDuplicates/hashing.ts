/** 32 bits of FNV-1a over the UTF-16 units, mixed; the same on every machine. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mix(hash);
}

/** Finaliser of MurmurHash3: every bit of the input reaches every bit of the output. */
export function mix(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** `count` numbers that look random and are always the same. */
export const constants = (count: number, seed: number): Int32Array =>
  Int32Array.from({ length: count }, (_, at) => mix(Math.imul(seed + at + 1, 0x9e3779b1)));
