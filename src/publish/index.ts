export { mlflowDataset, openLineageDataset, type PublishedSnapshot } from './datasets';
export {
  type MlflowEnvironment,
  mlflowSettings,
  mlflowVersion,
  notePublishing,
  NotPublished,
  publishedSentence,
  publishOnce,
} from './mlflow';
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
