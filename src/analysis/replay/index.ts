export { compareRun, differences, failedRun } from './compareRun';
export { type RunStreams, stepStreams } from './streams';
export { replaySentence } from './wording';
