import { z } from 'zod';
import { seriesSummary } from '../../../analysis/series';
import { ids } from '../../../contract';
import { workflowUrl } from '../../../contract/links';
import { seriesListBody, seriesPageBody } from '../../../pages';
import type { App, Context } from '../../context';
import { pageSchema, sendPage } from './reply';
import { allSeries, seriesOf } from '../series';

/** The series, and each with its effect over time. */
export function seriesPageRoutes(pages: App, context: Context): void {
  pages.get('/series', { config: { scope: 'read' }, schema: pageSchema }, async (request, reply) => {
    const rows = (await allSeries(context)).map((record) => ({ record, sentence: seriesSummary(record).sentence }));
    return sendPage(request, reply, { title: 'Series', current: 'series', body: seriesListBody(rows) });
  });

  pages.get(
    '/series/:name',
    { config: { scope: 'read' }, schema: { ...pageSchema, params: z.object({ name: z.string().max(63) }) } },
    async (request, reply) => {
      const record = await seriesOf(context, request.params.name);
      const { sentence } = seriesSummary(record);
      const ui = workflowUrl(context.uiUrl, context.client.options.namespace, ids.series(record.name));
      return sendPage(request, reply, {
        title: `${record.name}: ${sentence}`,
        current: 'series',
        body: await seriesPageBody({ record, sentence }, ui),
      });
    },
  );
}
