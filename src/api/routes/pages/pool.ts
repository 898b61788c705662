import { poolBody } from '../../../pages';
import type { App, Context } from '../../context';
import { pageSchema, sendPage } from './reply';
import { poolState } from '../series';

/** Somebody looks at an empty window meanwhile. */
const patienceMs = 3000;

/** `/gpus`: what `assay gpus` says. */
export function poolPageRoutes(pages: App, context: Context): void {
  pages.get('/gpus', { config: { scope: 'read' }, schema: pageSchema }, async (request, reply) =>
    sendPage(request, reply, {
      title: 'GPUs',
      current: 'gpus',
      body: poolBody(await poolState(context, patienceMs), Date.now()),
      scripts: ['refresh.js'],
      live: true,
    }),
  );
}
