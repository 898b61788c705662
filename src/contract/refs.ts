import { z } from 'zod';

/** An immutable object in the store. A workflow carries these, never the bytes. */
export const Ref = z.strictObject({
  /** `sha256:<64 hex digits>` of the bytes. */
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  /** Bytes. */
  size: z.int().nonnegative(),
  mediaType: z.string(),
});
export type Ref = z.infer<typeof Ref>;

/** A folder kept in the store: the object named by `Ref` is a canonical JSON `Manifest`. */
export const Manifest = z.strictObject({
  /** In code unit order of `path`, which is relative, with "/" between its parts. `mode` is left out for 644, as git has it. */
  files: z.array(z.strictObject({ path: z.string(), size: z.int(), digest: z.string(), mode: z.literal('755').optional() })),
});
export type Manifest = z.infer<typeof Manifest>;

export const mediaTypes = {
  json: 'application/json',
  jsonLines: 'application/x-ndjson',
  manifest: 'application/vnd.assay.manifest+json',
  npy: 'application/x-npy',
  html: 'text/html',
  text: 'text/plain',
  bytes: 'application/octet-stream',
} as const;
