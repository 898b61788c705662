import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { AssayError } from '../contract';

export interface Address {
  address: string;
  namespace: string;
}

/** The server named by TEMPORAL_* variables or a Temporal profile, or null when none is. */
export function configuredServer(): Address | null {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return connectionOptions.address ? { address: connectionOptions.address, namespace: namespace ?? 'default' } : null;
}

/** Connects with the TLS and keys of Temporal's own environment configuration; `at` names the embedded server instead. */
export async function connectTemporal(at: Address | null): Promise<Client> {
  const config = loadClientConnectConfig();
  const options = at ? { ...config.connectionOptions, address: at.address } : config.connectionOptions;
  const namespace = at?.namespace ?? config.namespace ?? 'default';
  try {
    const connection = await Connection.connect({ ...options, connectTimeout: '10s' });
    return new Client({ connection, namespace });
  } catch (cause) {
    throw new AssayError(
      'ServerUnavailable',
      `no Temporal server answers at ${options.address ?? 'the default address'}: start it, or unset TEMPORAL_ADDRESS to use the embedded one`,
      { cause },
    );
  }
}
