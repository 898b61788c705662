import swagger from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import type { App } from './context';

/** `/openapi.json`, made from the routes; to be called before they are added. */
export async function describeApi(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'assay',
        version,
        description:
          'Start, watch, steer and read experiments that compare trained classifiers. Errors are `application/problem+json` (RFC 9457).',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } as { name: string },
      },
      tags: [
        { name: 'experiments', description: 'Start and look.' },
        { name: 'steering', description: 'What people and programs do to a running one.' },
        { name: 'artifacts', description: 'Files of its runs.' },
        { name: 'series', description: 'Schedules and what their runs add up to.' },
        { name: 'pool', description: 'Devices.' },
        { name: 'service', description: 'The server itself.' },
      ],
      components: {
        securitySchemes: {
          token: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of `assay token create`. Scopes: read, run, admin; each includes those before it.',
          },
        },
      },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
}

export function serveDescription(app: App): void {
  let text: Buffer | undefined;
  app.get('/openapi.json', { config: { scope: 'open' }, schema: { hide: true } }, async (_request, reply) => {
    text ??= Buffer.from(JSON.stringify(app.swagger()));
    return reply.type('application/json').send(text);
  });
}
