import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { type SeriesSummary, seriesNames } from '../contract';

/** A run of the series was recorded. */
export const seriesChanged = defineSignal<[SeriesSummary]>(seriesNames.changed);
export const seriesState = defineQuery<SeriesSummary | null>(seriesNames.state);

export const seriesAttributes = {
  series: defineSearchAttributeKey('AssaySeries', SearchAttributeType.KEYWORD),
  /** Of every workflow that a schedule starts. */
  scheduledFor: defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME),
};
