import { z } from 'zod';
import { ExperimentSpec } from './spec';

/** The part of JSON Schema (draft 7) that our schema uses. */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  pattern?: string;
}

let cached: JsonSchema | undefined;

/** `experiment.schema.json`: what an editor completes and checks `experiment.yaml` with. */
export function experimentSchema(): JsonSchema {
  cached ??= {
    title: 'assay experiment',
    ...(z.toJSONSchema(ExperimentSpec, {
      io: 'input',
      target: 'draft-7',
      override: ({ jsonSchema }) => {
        // zod's bounds of a safe integer say nothing to a reader.
        if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
        if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      },
    }) as JsonSchema),
  } as JsonSchema;
  return cached;
}

/** Every key of the schema as `variants[].name`, with its schema; a key of several forms comes once for each. */
export function schemaKeys(
  schema: JsonSchema = experimentSchema(),
  prefix = '',
): { path: string; schema: JsonSchema; required: boolean }[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    return [{ path, schema: child, required: schema.required?.includes(key) ?? false }, ...schemaKeys(child, path)];
  });
  const items = schema.items === undefined ? [] : schemaKeys(schema.items, `${prefix}[]`);
  return [...own, ...items, ...(schema.anyOf ?? []).flatMap((form) => schemaKeys(form, prefix))];
}
