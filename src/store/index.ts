import { s3 } from './open';

export type { Backend, ByteRange, Entry, Source, TransferOptions } from './backend';
export { type CachedFile, ObjectCache, type Placement } from './cache';
export { canonicalJson } from './canonicalJson';
export { hashFile } from './files';
export { type Links, listFiles } from './folders';
export { collectGarbage, type GcOptions, type GcProgress, type GcReport } from './gc';
export { openStore } from './open';
export { RefConflict } from './refs';
export { scrub, type ScrubOptions, type ScrubProgress, type ScrubReport } from './scrub';
export { type StoreStats, storeStats } from './stats';
export type { FolderOptions, Refs, Registers, Store, StoredFile, StoredObject, Verification } from './store';

/** For sources in a bucket, as the stores reach it. */
export const s3Client = (): ReturnType<ReturnType<typeof s3>['s3Client']> => s3().s3Client();
