export { createSnapshot } from './createSnapshot';
export { materialise, type Materialised } from './materialise';
export { type NpyArray, readNpy, writeNpy } from './npy';
export { readSplit, type SplitRow } from './splitFile';
export { splitOf } from './split';
export type { DataSnapshot, Overlap } from './types';
export { verifySource } from './verifySource';
