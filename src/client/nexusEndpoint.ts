import { type Client, isGrpcServiceError } from '@temporalio/client';
import { AssayError, queues } from '../contract';

/** `made`: there was none; `moved`: it led elsewhere; `kept`: it is as it was. */
export type EndpointChange = 'made' | 'moved' | 'kept';

/**
 * The Nexus endpoint that leads callers of any namespace of the server to assay's control queue in this client's namespace. Endpoint names are
 * shared by all namespaces: one that leads elsewhere is moved only where `move` says so, and is a `Conflict` otherwise.
 */
export async function ensureNexusEndpoint(client: Client, name: string, { move = false } = {}): Promise<EndpointChange> {
  if (!/^[a-zA-Z][a-zA-Z0-9-]{0,198}[a-zA-Z0-9]$/.test(name))
    throw new AssayError('SpecInvalid', `${name}: expected an endpoint name of letters, digits and "-", with a letter first`);
  const { operatorService } = client.connection;
  const { namespace } = client.options;
  const spec = { name, target: { worker: { namespace, taskQueue: queues.control } } };
  try {
    const { endpoints } = await operatorService.listNexusEndpoints({ name });
    const [found] = endpoints;
    if (found === undefined) {
      await operatorService.createNexusEndpoint({ spec });
      return 'made';
    }
    const worker = found.spec?.target?.worker;
    if (worker?.namespace === namespace && worker.taskQueue === queues.control) return 'kept';
    if (!move)
      throw new AssayError(
        'Conflict',
        `the Nexus endpoint "${name}" leads to ${worker ? `${worker.taskQueue} in namespace ${worker.namespace}` : 'another server'}; choose another name, or move it with --move`,
      );
    await operatorService.updateNexusEndpoint({ id: found.id ?? '', version: found.version ?? null, spec });
    return 'moved';
  } catch (error) {
    if (!isGrpcServiceError(error)) throw error;
    // Another process that starts now may have been first.
    if (/already (exists|registered)/i.test(error.details) || error.code === alreadyExists)
      return ensureNexusEndpoint(client, name, { move });
    throw new AssayError(
      error.code === permissionDenied ? 'Forbidden' : 'Unsupported',
      `the server does not let this client make a Nexus endpoint (${error.details}); somebody who may runs: temporal operator nexus endpoint create --name ${name} --target-namespace ${namespace} --target-task-queue ${queues.control}`,
      { cause: error },
    );
  }
}

const alreadyExists = 6;
const permissionDenied = 7;
