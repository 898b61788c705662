import { S3Client, type ServerSideEncryption } from '@aws-sdk/client-s3';
import { AssayError } from '../../contract';

export interface ClientLimits {
  /** Milliseconds until a connection stands. Default 5,000. */
  connect?: number;
  /** Milliseconds without a byte in either direction, after which an attempt is given up. Default 20,000; more for servers that think longer. */
  idle?: number;
  /** Times that a request is tried, with growing pauses. Default 5. */
  attempts?: number;
}

let shared: { key: string; client: S3Client } | null = null;

/** Configured by the AWS chain alone. One client for the whole process, as long as the AWS variables stay; with limits, one of its own. */
export function s3Client(limits?: ClientLimits): S3Client {
  // The SDK's version is pinned, so that its note on Node versions of later ones helps nobody.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  if (limits !== undefined) return makeClient(limits);
  const key = JSON.stringify(Object.entries(process.env).filter(([name]) => name.startsWith('AWS_')));
  if (shared?.key !== key) shared = { key, client: makeClient({}) };
  return shared.client;
}

/** What ASSAY_S3_SSE and ASSAY_S3_KMS_KEY ask for; goes with every write. */
export function encryption(env: NodeJS.ProcessEnv = process.env): Encryption {
  const { ASSAY_S3_SSE: kind = '', ASSAY_S3_KMS_KEY: key = '' } = env;
  if (!['', 'AES256', 'aws:kms', 'aws:kms:dsse'].includes(kind)) {
    throw new AssayError('Unsupported', `ASSAY_S3_SSE is "${kind}": expected AES256, aws:kms or aws:kms:dsse, or unset it.`);
  }
  if (key !== '' && !kind.startsWith('aws:kms')) {
    throw new AssayError(
      'Unsupported',
      'ASSAY_S3_KMS_KEY is set, so ASSAY_S3_SSE must be aws:kms or aws:kms:dsse; set it, or unset the key.',
    );
  }
  return { ...(kind !== '' && { ServerSideEncryption: kind as ServerSideEncryption }), ...(key !== '' && { SSEKMSKeyId: key }) };
}

export interface Encryption {
  ServerSideEncryption?: ServerSideEncryption;
  SSEKMSKeyId?: string;
}

function makeClient({ connect = 5_000, idle = 20_000, attempts = 5 }: ClientLimits): S3Client {
  const client = new S3Client({
    maxAttempts: attempts,
    retryMode: 'standard',
    // Every write brings its own SHA-256, and every read is verified against the digest.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Waiting for "100 Continue" costs a new connection a request.
    expectContinueHeader: false,
    requestHandler: { connectionTimeout: connect, socketTimeout: idle, throwOnRequestTimeout: true },
  });
  const config: { isCustomEndpoint?: boolean } = client.config;
  // Other servers than Amazon's seldom have a name for each bucket. An endpoint may come from a profile, so it is known at the first request only.
  Object.assign(config, { forcePathStyle: () => Promise.resolve(config.isCustomEndpoint === true) });
  client.middlewareStack.add(signChecksum, { step: 'build', name: 'signChecksum', priority: 'low' });
  return client;
}

/** The signature covers the body's SHA-256, which each write knows already: else the SDK would hash every byte once more. */
const signChecksum =
  <Args extends { request: unknown }, Result>(next: (args: Args) => Promise<Result>) =>
  (args: Args): Promise<Result> => {
    const request = args.request as { method: string; headers: Record<string, string> };
    const checksum = request.headers['x-amz-checksum-sha256'];
    if (request.method === 'PUT' && checksum !== undefined) {
      request.headers['x-amz-content-sha256'] = Buffer.from(checksum, 'base64').toString('hex');
    }
    return next(args);
  };
