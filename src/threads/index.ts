/** The paired bootstrap on several threads: the numbers of `src/stats`, to the bit. */
export { pairedBootstrapOnThreads, type ThreadOptions } from './pairedBootstrapOnThreads';
