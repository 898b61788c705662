import { AssayError } from '../../contract';

export interface Address {
  bucket: string;
  /** Empty, or with a slash at its end. */
  prefix: string;
}

/** The parts of `s3://bucket/prefix`. The address is not repeated in the error where it may hold a secret. */
export function parseAddress(url: string): Address {
  const rest = url.slice('s3://'.length);
  if (/[@?#]/.test(rest)) {
    throw new AssayError(
      'Unsupported',
      'An s3:// address has a bucket and a prefix only, no "@", "?" or "#": expected s3://bucket/prefix. Credentials, region and endpoint ' +
        'come from the AWS chain (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL_S3).',
    );
  }
  const [bucket = '', ...parts] = rest.split('/');
  const prefix = parts.filter((part) => part !== '').join('/');
  if (!url.startsWith('s3://') || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new AssayError('Unsupported', `"${url}" names no bucket: expected s3://bucket/prefix, with a bucket of 3 to 63 of a-z 0-9 . -`);
  }
  if (!/^[\w!.*'()/-]*$/.test(prefix)) {
    throw new AssayError(
      'Unsupported',
      `The prefix of "${url}" has other characters than letters, digits and ! - _ . * ' ( ) /; choose another.`,
    );
  }
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/` };
}
