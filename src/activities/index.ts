export { createAnalysisActivities } from './analysis';
export { createControlActivities } from './control';
export { createGpuActivities, createHostActivities, takeStock } from './gpu';
export { activityInterceptors } from './interceptors';
export { Slots } from './slots';
