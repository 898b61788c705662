export * from './code';
export * from './connect';
export * from './experiments';
export * from './maintain';
export * from './schedules';
