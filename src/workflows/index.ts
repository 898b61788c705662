export { experiment } from './experiment';
export { gpuPool } from './gpuPool';
export { maintain } from './maintain';
export { variantRun } from './variantRun';
