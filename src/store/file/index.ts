export { FileBackend } from './fileBackend';
export { TemporaryFiles, temporaryName } from './temporaryFiles';
