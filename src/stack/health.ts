import { connect } from 'node:http2';
import { setTimeout as delay } from 'node:timers/promises';

/** Whether a Temporal server answers "serving" to gRPC's standard health check at `host:port`. */
export function answers(address: string, timeoutMs = 2000): Promise<boolean> {
  return new Promise((done) => {
    const session = connect(`http://${address}`);
    const body: Buffer[] = [];
    let status: unknown;
    const finish = (serving: boolean): void => {
      clearTimeout(timer);
      session.destroy();
      done(serving);
    };
    const timer = setTimeout(() => finish(false), timeoutMs);
    session.on('error', () => finish(false));
    const request = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    request.on('error', () => finish(false));
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('trailers', (headers) => {
      status = headers['grpc-status'];
    });
    // The answer is the 5-byte frame head and field 1 (status) = 1 (SERVING).
    request.on('end', () =>
      finish(
        String(status) === '0' &&
          Buffer.concat(body)
            .subarray(5)
            .equals(Buffer.from([8, 1])),
      ),
    );
    request.end(healthRequest('temporal.api.workflowservice.v1.WorkflowService'));
  });
}

/** False when it still does not answer after `waitMs`, or as soon as `until` says there is no hope. */
export async function waitForAnswer(address: string, waitMs: number, hopeless: () => boolean = () => false): Promise<boolean> {
  const deadline = performance.now() + waitMs;
  while (!(await answers(address))) {
    if (hopeless() || performance.now() > deadline) return false;
    await delay(50);
  }
  return true;
}

/** One gRPC frame: no compression, 4 bytes of length, then HealthCheckRequest{service}. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = Buffer.concat([Buffer.from([10, name.length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
