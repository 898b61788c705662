export * from './connect';
export * from './experiments';
