export { mlflowDataset, openLineageDataset, type PublishedSnapshot } from './datasets';
export {
  delayAfter,
  deliverOnce,
  newSecret,
  NotTaken,
  patience,
  secretVariable,
  targetProblem,
  type WebhookSettings,
  webhookSettings,
} from './webhooks';
