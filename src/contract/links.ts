import type { Links } from './activities';

/** A workflow in the Temporal UI, null where its base address is not known. */
export const workflowUrl = (uiUrl: string | null, namespace: string, workflowId: string): string | null =>
  uiUrl === null ? null : `${withoutSlash(uiUrl)}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;

/** An experiment's report at the API, null where its public address is not known. */
export const reportUrl = (publicUrl: string | null, experimentId: string): string | null =>
  publicUrl === null ? null : `${withoutSlash(publicUrl)}/v1/experiments/${encodeURIComponent(experimentId)}/report`;

/** The live page of an experiment whose report is at that address. */
export const pageUrl = (report: string): string => report.replace(/\/v1(\/experiments\/[^/]+)\/report$/, '$1');

/** Where people find an experiment; `uiUrl` and `publicUrl` are base addresses. */
export function linksOf(at: { uiUrl: string | null; publicUrl: string | null; namespace: string }, workflowId: string, id: string): Links {
  return { report: reportUrl(at.publicUrl, id), workflow: workflowUrl(at.uiUrl, at.namespace, workflowId) };
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
