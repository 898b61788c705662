import { z } from 'zod';
import { experimentListBody, readListQuery, selectRows } from '../../../pages';
import type { App, Context } from '../../context';
import { ExperimentIndex } from '../../experimentIndex';
import { endedRecord } from '../../records';
import { sandboxedReport } from '../negotiate';
import { asPage, pageSchema, sendPage } from './reply';

/** The list of experiments, and the report of each. */
export function experimentListRoutes(pages: App, context: Context): void {
  const index = new ExperimentIndex(context);
  index.warm();
  pages.get(
    '/',
    { config: { scope: 'read' }, schema: { ...pageSchema, querystring: z.record(z.string(), z.unknown()) } },
    async (request, reply) => {
      // Of a name that was given twice nothing is read.
      const given = Object.entries(request.query).filter((pair): pair is [string, string] => typeof pair[1] === 'string');
      const query = readListQuery(Object.fromEntries(given));
      const { rows, seriesNames, notes } = await index.list();
      const now = Date.now();
      const selection = selectRows(rows, query, now);
      await index.addEffects(selection.rows);
      const open = rows.some(({ finishedAt }) => finishedAt === null);
      const ui = { url: context.uiUrl, namespace: context.client.options.namespace };
      return sendPage(request, reply, {
        title: 'Experiments',
        current: 'experiments',
        body: experimentListBody({ query, selection, all: rows.length, seriesNames, notes, ui, open, now }),
        scripts: ['list.js'],
        live: true,
      });
    },
  );

  pages.get(
    '/experiments/:id/report',
    { config: { scope: 'read' }, schema: { ...pageSchema, params: z.object({ id: z.string().max(200) }) } },
    async (request, reply) => {
      const { report } = await endedRecord(context, request.params.id);
      const text = (await context.store.get(report)).toString('utf8');
      return asPage(reply).header('content-security-policy', sandboxedReport).send(text);
    },
  );
}
