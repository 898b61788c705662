export * from '../../../src/workflows';
export { host } from '../pool';
