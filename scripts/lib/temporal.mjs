import { compiled } from './root.mjs';
import { say } from './steps.mjs';

/** The Temporal executable, downloaded or built when it is missing; null when a server is configured. */
export async function provideServer() {
  if (process.env.TEMPORAL_ADDRESS) return { binary: null, did: false };
  const { provideTemporal } = await compiled('stack', 'temporal.js');
  let did = false;
  const binary = await provideTemporal({
    onStep: (line) => {
      did = true;
      say(line);
    },
  });
  return { binary, did };
}
