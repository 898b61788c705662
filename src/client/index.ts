export * from './code';
export * from './connect';
export * from './experiments';
