import { type Readable, Transform, pipeline } from 'node:stream';
import { AssayError } from '../contract';
import { count, gauge, metricsOn, observe } from '../observability';
import type { Backend, Source } from './backend';

/** Counts and times what a replica is asked, where this process serves metrics. */
export function observed(backend: Backend): Backend {
  if (!metricsOn()) return backend;
  const replica = backend.url;
  const kind = replica.startsWith('s3:') ? 's3' : 'file';

  /** One that was answered is up, whatever the answer. */
  const ended = (operation: string, began: number, error: unknown = null): void => {
    count('assay_store_requests_total', { operation, replica, result: error === null ? 'ok' : 'error' });
    gauge('assay_store_replica_up', { replica }, error instanceof AssayError && error.type === 'StoreUnavailable' ? 0 : 1);
    observe('assay_store_request_duration_seconds', { operation, backend: kind }, (performance.now() - began) / 1000);
  };
  const timed = async <T>(operation: string, ask: () => Promise<T>): Promise<T> => {
    const began = performance.now();
    try {
      const answer = await ask();
      ended(operation, began);
      return answer;
    } catch (error) {
      ended(operation, began, error);
      throw error;
    }
  };
  const wrote = async <T>(operation: string, { size }: Source, ask: () => Promise<T>): Promise<T> => {
    const answer = await timed(operation, ask);
    if (answer !== 'exists') count('assay_store_transferred_bytes_total', { backend: kind, direction: 'written' }, size);
    return answer;
  };

  return {
    url: backend.url,
    spool: backend.spool,
    create: (key, source, options) => wrote('create', source, () => backend.create(key, source, options)),
    replace: (key, source, options) => wrote('replace', source, () => backend.replace(key, source, options)),
    async read(key, range) {
      const began = performance.now();
      try {
        const bytes = await backend.read(key, range);
        if (bytes === null) ended('read', began);
        return bytes === null ? null : counted(bytes, (error) => ended('read', began, error));
      } catch (error) {
        ended('read', began, error);
        throw error;
      }
    },
    stat: (key) => timed('stat', () => backend.stat(key)),
    async *list(prefix) {
      const began = performance.now();
      let failure: unknown = null;
      try {
        yield* backend.list(prefix);
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        ended('list', began, failure);
      }
    },
    remove: (key) => timed('remove', () => backend.remove(key)),
    load: (key) => timed('load', () => backend.load(key)),
    swap: (key, bytes, expected) => timed('swap', () => backend.swap(key, bytes, expected)),
    sweep: (olderThan) => timed('sweep', () => backend.sweep(olderThan)),
  };

  function counted(bytes: Readable, end: (error: unknown) => void): Readable {
    let size = 0;
    const counter = new Transform({
      transform(chunk: Buffer, _, done) {
        size += chunk.length;
        done(null, chunk);
      },
    });
    return pipeline(bytes, counter, (error) => {
      count('assay_store_transferred_bytes_total', { backend: kind, direction: 'read' }, size);
      // A reader that has enough closes early.
      end(error && error.code !== 'ERR_STREAM_PREMATURE_CLOSE' ? error : null);
    });
  }
}
