export { placeInLine } from './line';
export { type PackedState, pack, unpack } from './pack';
export { type Placed, place } from './place';
export { type Reported, type Yield, report } from './report';
export { closed, drain, expire, holders, quota, release, request, weight } from './requests';
export { type HostState, type LeaseState, type PlacementState, type Waiter, emptyState, placementTerms } from './state';
export { view } from './view';
