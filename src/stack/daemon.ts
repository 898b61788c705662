import { type StackOptions, startStack } from './stack';

/** Entry of the detached process: `node daemon.js '{"home": ..., "workers": ...}'`. */
async function main(): Promise<void> {
  const options = JSON.parse(process.argv[2] ?? '{}') as Omit<StackOptions, 'onStep'>;
  let ask: () => void = () => {};
  const asked = new Promise<void>((done) => {
    ask = done;
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, ask);
  const log = (message: string): void => console.error(`${new Date().toISOString()} ${message}`);
  // A fault of ours must not leave a server and workers that nobody supervises.
  process.on('uncaughtException', (error) => {
    log(error.stack ?? error.message);
    ask();
  });
  const stack = await startStack({ ...options, onStep: log });
  log(`ready: ${JSON.stringify(stack.state().ports)}`);
  await Promise.race([asked, stack.abandoned]);
  log('stopping');
  await stack.stop();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
