export { gpuPool, host } from '../pool';
export { variantRun } from '../../../src/workflows/variantRun';
