export { deliverOnce, targetProblem, type WebhookSettings, webhookSettings } from './deliver';
export { delayAfter, NotTaken, patience } from './reception';
export { newSecret, secretVariable } from './secrets';
