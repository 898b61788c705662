export { experiment } from './experiment';
export { gpuPool } from './gpuPool';
export { variantRun } from './variantRun';
