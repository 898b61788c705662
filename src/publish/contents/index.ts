export { type ExportManifest, verifyFolder } from './folder';
export { contentsOf, runFolder } from './list';
export { type VerifyReport } from './report';
export { verifyExperiment } from './verify';
