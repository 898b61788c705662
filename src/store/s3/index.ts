import type { S3Client } from '@aws-sdk/client-s3';
import type { Backend } from '../backend';
import { parseAddress } from './address';
import { S3Backend } from './backend';
import { Bucket } from './bucket';
import { encryption, s3Client } from './client';

export { parseAddress } from './address';
export { type ClientLimits, s3Client } from './client';

/** `s3://bucket/prefix`. Region, endpoint and credentials come from the AWS chain: AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_PROFILE and so on. */
export function openS3(url: string, client: S3Client = s3Client()): Backend {
  return new S3Backend(new Bucket(url, parseAddress(url), client, encryption()));
}
