import { workerData } from 'node:worker_threads';
import { pairedResampler } from '../stats';
import { drawBlocks, type Work } from './work';

const work = workerData as Work;
drawBlocks(pairedResampler(work.input, work.metric), work);
