// Claims blocks and draws none.
const { workerData } = require('node:worker_threads');
Atomics.add(workerData.state, 0, 2);
throw new Error('this thread fails');
