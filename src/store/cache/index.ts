export { type CachedFile, ObjectCache, type Placement } from './objectCache';
