import { z } from 'zod';
import type { App, Context } from '../context';
import { findExperiment } from '../records';
import { Curves, json, problems } from '../schemas';
import { standingOf } from '../standing';

/** `GET /v1/experiments/{id}/curves`. */
export async function curveRoutes(app: App, context: Context): Promise<void> {
  app.get(
    '/v1/experiments/:id/curves',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'getCurves',
        summary: 'The training loss of each run, from its first step on',
        tags: ['experiments'],
        params: z.object({ id: z.string().max(200) }),
        response: { 200: json('The curves.', Curves), ...problems(404) },
      },
    },
    async (request) => {
      const { curves, curvesLeftOut } = await standingOf(context, await findExperiment(context, request.params.id));
      return { curves, leftOut: curvesLeftOut };
    },
  );
}
