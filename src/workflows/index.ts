import './versions';

export { experiment } from './experiment';
export { gpuPool } from './gpuPool';
export { maintain } from './maintain';
export { notification } from './notification';
export { replay } from './replay';
export { publishing } from './publishing';
export { series } from './series';
export { seriesRun } from './seriesRun';
export { triggers } from './triggers';
export { variantRun } from './variantRun';
