export { type Diagnosis, diagnose, type Signs } from './diagnose';
export { openGpus } from './gpus';
export { deviceProgram } from './product';
export { confounded, summarise } from './summary';
export type { CheckOptions, DeviceProcess, Gpus, GpusOptions, LeakOptions, ProgramEnd, TelemetryOptions, Xid } from './types';
