export { mlflowDataset, openLineageDataset, type PublishedSnapshot } from './datasets';
