import { join } from 'node:path';
import { openStore } from '../../src/store';
import { removeTemporaryFolders, temporaryFolder } from './helpers';

afterAll(removeTemporaryFolders);

test.each(['', ' ', 'http://host/store', '/absolute/folder', 'file://host/folder', 'file:relative', 'file:///a%zz', 'gs://bucket'])(
  'the address "%s" is refused with what to use',
  (url) => {
    expect(() => openStore(url)).toThrow(
      `The store "${url}" cannot be opened: use file:///absolute/folder, s3://bucket/prefix, or several of them separated by commas.`,
    );
  },
);

test('an empty part of an address is refused', () => {
  expect(() => openStore('file:///a,,file:///b')).toThrow('cannot be opened');
});

test('the same place twice is refused, however it is written', () => {
  for (const url of [
    'file:///a,file:///b,file:///a',
    'file:///a,file:///x/../a',
    's3://bucket/a,s3://bucket/a/',
    'file:///a b,file:///a%20b',
  ])
    expect(() => openStore(url)).toThrow(/names .* twice, which would count as two replicas/);
});

test('credentials in an address are refused, and are not repeated', () => {
  const secret = 'wJalrXUtnFEMI';
  for (const url of [`s3://AKIA:${secret}@bucket/prefix`, `file:///a,s3://AKIA:${secret}@bucket`]) {
    let message = '';
    try {
      openStore(url);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain('holds no user, password or key');
    expect(message).not.toContain(secret);
  }
});

test('the address of a store is as it was given, and spaces around commas are allowed', () => {
  const [a, b] = [`file://${join(temporaryFolder(), 'a')}`, `file://${join(temporaryFolder(), 'b')}`];
  expect(openStore(a).url).toBe(a);
  const both = openStore(`${a} , ${b}`);
  expect(both.url).toBe(`${a},${b}`);
  expect(both.replicas.map(({ url }) => url)).toEqual([a, b]);
});
