// The same suite, unchanged, on every kind of backend and store: a folder, a bucket, and three replicas.
import { join } from 'node:path';
import { openStore } from '../../src/store';
import { FileBackend } from '../../src/store/file';
import { openS3 } from '../../src/store/s3';
import { backendConformance, conformance } from './conformance';
import { removeTemporaryFolders, temporaryFolder } from './helpers';
import { makeBucket, startS3, stopServers } from './servers';

beforeAll(() => startS3());
afterAll(async () => {
  await stopServers();
  removeTemporaryFolders();
});

const folder = (): Promise<string> => Promise.resolve(`file://${join(temporaryFolder(), 'store')}`);
const bucket = async (): Promise<string> => `s3://${await makeBucket()}/some/prefix`;
const on = async (...places: Promise<string>[]): Promise<() => ReturnType<typeof openStore>> => {
  const url = (await Promise.all(places)).join(',');
  return () => openStore(url);
};

backendConformance('a folder', async () => {
  const url = await folder();
  return () => new FileBackend(url);
});
backendConformance('a bucket', async () => {
  const url = await bucket();
  return () => openS3(url);
});

conformance('a store in a folder', () => on(folder()));
conformance('a store in a bucket', () => on(bucket()));
conformance('a store of three replicas', () => on(folder(), folder(), bucket()));
