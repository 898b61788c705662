import { types } from 'node:util';
import { AssayError } from '../../contract';

interface Attempted {
  /** The permission that the request needs. */
  right: string;
  bucket: string;
  key: string | null;
}

/**
 * What the SDK threw, as an error of ours; a fault of the program comes back as it is. Only code, status, bucket and key are taken over:
 * the SDK's own texts and objects may hold names of accounts and signed headers.
 */
export function s3Failure(error: unknown, at: Attempted): unknown {
  if (error instanceof AssayError || !types.isNativeError(error)) return error;
  const status = httpStatus(error);
  const code = codeOf(error);
  if (status === undefined && !isOutside(error)) return error;
  const what = `${at.right.replace('s3:', '')} of ${at.key === null ? `s3://${at.bucket}` : `s3://${at.bucket}/${at.key}`}`;
  const seen = [code === 'Error' ? '' : code, status === undefined ? '' : `HTTP ${status}`].filter(Boolean).join(', ');
  return new AssayError('StoreUnavailable', `${what} failed${seen === '' ? '' : ` (${seen})`}. ${mend(error, code, status, at)}`, {
    details: { code, status: status ?? null },
  });
}

/** The HTTP status behind an error of this room; null where there was no answer. */
export function statusOf(error: unknown): number | null {
  const status = error instanceof AssayError ? error.details?.status : null;
  return typeof status === 'number' ? status : null;
}

export function codeIn(error: unknown): string {
  const code = error instanceof AssayError ? error.details?.code : null;
  return typeof code === 'string' ? code : '';
}

/** A 404 may mean the key or the bucket. */
export const isBucketMissing = (error: unknown): boolean => codeIn(error) === 'NoSuchBucket';

const goesOn = 'and the run goes on';

function mend(error: Error, code: string, status: number | undefined, { right, bucket }: Attempted): string {
  if (/region is missing/i.test(error.message))
    return `No region is known: set AWS_REGION, or the region of the profile in AWS_PROFILE, ${goesOn}.`;
  if (/^(CredentialsProviderError|TokenProviderError)$/.test(code) || /credential/i.test(error.message)) {
    return `No credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the host a role, ${goesOn}.`;
  }
  if (code === 'NoSuchBucket') return `There is no such bucket; make it: aws s3 mb s3://${bucket}, ${goesOn}.`;
  if (/^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired)$/.test(code))
    return `The credentials have expired: renew them, ${goesOn}.`;
  if (/^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|InvalidSecurity)$/.test(code)) {
    return `The store does not know these credentials: correct AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ${goesOn}.`;
  }
  if (code === 'RequestTimeTooSkewed') return `The clock of this host is wrong: set it, ${goesOn}.`;
  if (code.startsWith('KMS'))
    return `The key in ASSAY_S3_KMS_KEY cannot be used: enable it and allow kms:GenerateDataKey and kms:Decrypt, ${goesOn}.`;
  if (status === 301 || /^(PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException)$/.test(code)) {
    return `The bucket lies in another region: set AWS_REGION to that of ${bucket}, ${goesOn}.`;
  }
  if (status === 403 || status === 401) {
    // Who may not list is told 403 instead of 404.
    const rights = right === 's3:GetObject' ? 's3:GetObject and s3:ListBucket' : right;
    return `The credentials in use lack a right: allow ${rights} on the bucket ${bucket}, ${goesOn}.`;
  }
  if (code === 'QuotaExceeded' || status === 507) return `The store is full: free space there, ${goesOn}.`;
  if (status === undefined) return `Nothing answers there: check the network and AWS_ENDPOINT_URL_S3; the run goes on when it does.`;
  if (status === 501)
    return 'That server does not know conditional writes or checksums: expected If-None-Match, If-Match and SHA-256, as Amazon S3 has them.';
  if (status >= 500 || status === 429 || status === 408) return 'The store is overloaded or broken: the run goes on when it answers again.';
  return `The store refuses the request: see its log for the reason.`;
}

function httpStatus(error: Error): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** Of an answer the code of S3, of a broken connection that of the system. */
function codeOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && httpStatus(error) === undefined ? code : error.name;
}

/** Whether the network, the other side or the configuration failed, and not this program. */
function isOutside(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return (
    '$metadata' in error ||
    '$responseBodyText' in error ||
    /^(E[A-Z]+|ERR_(SSL|TLS|HTTP|SOCKET|STREAM|OSSL)\w*|CERT_\w+|DEPTH_\w+|SELF_SIGNED\w*|UNABLE_TO\w+|HPE_\w+)$/.test(code ?? '') ||
    /^(TimeoutError|AbortError|NetworkingError|CredentialsProviderError|TokenProviderError|ConfigError)$/.test(error.name) ||
    /region is missing|credential|socket hang up|aborted|ended early/i.test(error.message)
  );
}
