export * as formatters from './formatters';
export { renderMarkdown } from './markdown';
export { type ReportExtra, renderReport } from './page';
export { renderSeries } from './series/page';
export { costOf, failuresOf, renderNoVerdict, renderSummary, type Summarised, summaryMarker } from './summary';
export { terminalSummary } from './terminal';
export { gcSentence, scrubSentence } from './storeWords';
