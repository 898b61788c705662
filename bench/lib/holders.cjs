// Workflows of adoption.mjs: one place, held in turn by leases of the pool, and by the slot of a worker.
const { condition, defineSignal, proxyActivities, setHandler, sleep } = require('@temporalio/workflow');
const { useLeases } = require('../../dist/src/workflows/lease');

const go = defineSignal('go');
const { hold } = proxyActivities({ startToCloseTimeout: '10 minutes' });

/** As a run asks and gives back; `gate` holds until it is told. Milliseconds since 1970. */
exports.leaseHolder = async (wish, milliseconds, gate) => {
  let told = !gate;
  setHandler(go, () => {
    told = true;
  });
  const leases = useLeases();
  const held = await leases.acquire('bench', wish);
  const from = Date.now();
  if (gate) await condition(() => told);
  await sleep(milliseconds);
  const to = Date.now();
  await leases.release(held);
  return { from, to };
};

exports.slotHolder = (milliseconds, gate) => hold(milliseconds, gate);
