export { ensureStack, runForeground, type StackInfo, type StackStatus, stackStatus, stopStack } from './ensure';
export { answers } from './health';
export { cacheFolder } from './paths';
export { pythonEnvironment, trainerPython } from './python';
export type { StackOptions, Workers } from './stack';
export { provideTemporal, registerSearchAttributes, serverArguments, temporalBinary } from './temporal';
