export { checkOf, driftCheck } from './check';
export { columnsToLocate, locate } from './locate';
export { driftFindings, type Limits } from './findings';
export { driftReport, type NamedSide } from './report';
export { settle } from './settle';
export { type Between, type Side, sideOfTable } from './side';
