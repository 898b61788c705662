import { setTimeout as delay } from 'node:timers/promises';
import { type Client, ServiceError, isGrpcServiceError } from '@temporalio/client';
import { AssayError, searchAttributes } from '../contract';

type Name = keyof typeof searchAttributes;
type Known = Record<string, number | undefined>;

/** `temporal.api.enums.v1.IndexedValueType` */
const types = { Keyword: 2, Double: 4 } as const;

export interface RegisterOptions {
  onStep?: (line: string) => void;
  /** How long a server may take until it knows what it was told; its caches are a minute old at most. */
  waitMs?: number;
}

/**
 * Adds the search attributes that the namespace lacks, and returns their names once the server takes them. Where it may not, or the
 * server has no room, `Forbidden` says which command somebody who may has to run.
 */
export async function registerSearchAttributes(client: Client, options: RegisterOptions = {}): Promise<Name[]> {
  const { onStep = () => undefined, waitMs = 90_000 } = options;
  const missing = await missingSearchAttributes(client);
  if (missing.length === 0) return [];
  const { namespace } = client.options;
  onStep(`registering search attributes in namespace ${namespace}: ${missing.join(', ')}`);
  try {
    await client.connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, types[searchAttributes[name]]])),
    });
  } catch (cause) {
    // Another worker that starts at the same moment may have been first.
    if ((await missingSearchAttributes(client)).length > 0) throw refused(namespace, missing, cause);
  }
  await untilUsable(client, missing, Date.now() + waitMs);
  return missing;
}

/** Those of the contract that the namespace lacks. Fails where one has another type, which only its server's operator can mend. */
export async function missingSearchAttributes(client: Client): Promise<Name[]> {
  const known = await listed(client);
  const wanted = Object.keys(searchAttributes) as Name[];
  if (known === null) return unusable(client, wanted);
  const other = wanted.filter((name) => known[name] !== undefined && known[name] !== types[searchAttributes[name]]);
  if (other.length > 0) {
    const expected = other.map((name) => `${name} (expected ${searchAttributes[name]})`).join(', ');
    throw new AssayError(
      'Unsupported',
      `namespace ${client.options.namespace} has search attributes of another type: ${expected}; remove them, or use another namespace (TEMPORAL_NAMESPACE)`,
    );
  }
  return wanted.filter((name) => known[name] === undefined);
}

/** What somebody who may runs instead. */
export function createCommand(namespace: string, missing: readonly Name[]): string {
  const named = missing.map((name) => `--name ${name} --type ${searchAttributes[name]}`).join(' ');
  return `temporal operator search-attribute create --namespace ${namespace} ${named}`;
}

/** Null where the server does not tell, as one that keeps its operator's interface closed. */
async function listed(client: Client): Promise<Known | null> {
  try {
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace: client.options.namespace });
    return customAttributes ?? {};
  } catch (error) {
    if (isClosed(error)) return null;
    throw error;
  }
}

/** Those that the server does not take in a query. */
async function unusable(client: Client, names: readonly Name[]): Promise<Name[]> {
  const answers = await Promise.all(
    names.map(async (name) => {
      try {
        await client.workflow.count(`${name} = ${searchAttributes[name] === 'Double' ? '0' : "''"}`);
        return [];
      } catch (error) {
        // The client wraps what the server said.
        const cause = error instanceof ServiceError ? error.cause : error;
        if (isGrpcServiceError(cause) && cause.code === grpc.invalidArgument) return [name];
        throw error;
      }
    }),
  );
  return answers.flat();
}

async function untilUsable(client: Client, names: readonly Name[], deadline: number): Promise<void> {
  for (;;) {
    const waiting = await unusable(client, names);
    if (waiting.length === 0) return;
    if (Date.now() > deadline)
      throw new AssayError(
        'ServerUnavailable',
        `the server took the search attributes ${waiting.join(', ')} and does not know them yet; try again in a minute`,
      );
    await delay(500);
  }
}

function refused(namespace: string, missing: readonly Name[], cause: unknown): AssayError {
  const reason = isGrpcServiceError(cause) ? cause.details : cause instanceof Error ? cause.message : String(cause);
  return new AssayError(
    'Forbidden',
    `namespace ${namespace} lacks the search attributes ${missing.join(', ')}, and the server does not let this process add them (${reason}). ` +
      `Somebody who may: ${createCommand(namespace, missing)}`,
    { cause },
  );
}

const grpc = { invalidArgument: 3, permissionDenied: 7, unimplemented: 12, unauthenticated: 16 } as const;

const isClosed = (error: unknown): boolean =>
  isGrpcServiceError(error) && ([grpc.permissionDenied, grpc.unimplemented, grpc.unauthenticated] as number[]).includes(error.code);
