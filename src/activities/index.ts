export { createAnalysisActivities } from './analysis';
export { createControlActivities } from './control';
export { createAnyHostActivities, createGpuActivities, createHostActivities } from './gpu';
export { homeInstance, hostFiles } from './hostFiles';
export { promptReconnect, reportHost } from './hostReport';
export { activityInterceptors } from './interceptors';
export { LeaseBook } from './leases';
export { createPoolActivities } from './pool';
export { reapEnded, takeStock } from './stock';
