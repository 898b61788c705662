export { mlflowVersion, NotPublished } from './client';
export { notePublishing, publishedSentence, publishOnce } from './once';
export { type MlflowEnvironment, mlflowSettings } from './settings';
