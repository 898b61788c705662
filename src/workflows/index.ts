export { experiment } from './experiment';
export { variantRun } from './variantRun';
