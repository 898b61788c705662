import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { AssayError } from '../contract';
import { clientInterceptors } from '../observability';

export interface Address {
  address: string;
  namespace: string;
}

/** The server named by TEMPORAL_* variables or a Temporal profile, or null when none is. */
export function configuredServer(): Address | null {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return connectionOptions.address ? { address: connectionOptions.address, namespace: namespace ?? 'default' } : null;
}

/** What a caller says instead of the environment. */
export type ServerOptions = Partial<Address> & Pick<ConnectionOptions, 'tls' | 'apiKey'>;

/** A client for a program that outlives servers: it connects when it is first used, and comes back within a second or so. */
export async function lazyTemporal(at: ServerOptions | null): Promise<Client> {
  const { options, namespace } = targetOf(at);
  const channelArgs = { 'grpc.initial_reconnect_backoff_ms': 500, 'grpc.max_reconnect_backoff_ms': 1000 };
  const connection = Connection.lazy({ ...options, channelArgs });
  return new Client({ connection, namespace, interceptors: { workflow: await clientInterceptors('assay-client') } });
}

/** Connects with the TLS and keys of Temporal's own environment configuration; `at` names another server, or the embedded one. */
export async function connectTemporal(at: ServerOptions | null): Promise<Client> {
  const { options, namespace } = targetOf(at);
  try {
    const connection = await Connection.connect({ ...options, connectTimeout: '10s' });
    return new Client({ connection, namespace, interceptors: { workflow: await clientInterceptors('assay-client') } });
  } catch (cause) {
    throw new AssayError(
      'ServerUnavailable',
      `no Temporal server answers at ${options.address ?? 'the default address'}: start it, or unset TEMPORAL_ADDRESS to use the embedded one`,
      { cause },
    );
  }
}

function targetOf(at: ServerOptions | null): { options: ConnectionOptions; namespace: string } {
  const config = loadClientConnectConfig();
  const { namespace, ...given } = at ?? {};
  return { options: { ...config.connectionOptions, ...given }, namespace: namespace ?? config.namespace ?? 'default' };
}
