export { experiment } from './experiment';
export { gpuPool } from './gpuPool';
export { maintain } from './maintain';
export { series } from './series';
export { seriesRun } from './seriesRun';
export { variantRun } from './variantRun';
