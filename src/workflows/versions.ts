import { setWorkflowOptions } from '@temporalio/workflow';
import { gpuPool } from './gpuPool';
import { notification } from './notification';
import { publishing } from './publishing';
import { series } from './series';
import { triggers } from './triggers';

/** A worker with a version writes `on` before it loads this code (workers/workflowCode.ts): from one without, a server takes no behaviour. */
const versions: string = 'assay-versions:off';

const longLived = versions.endsWith(':on') ? ({ versioningBehavior: 'AUTO_UPGRADE' } as const) : {};

/**
 * Where workers are versioned (ASSAY_DEPLOYMENT), a workflow ends on the build it began on, and its children with it: that is the default
 * of the worker. These live as long as the service, or outlive what they tell of, and go over to the current build with their next task,
 * so their code must replay what every earlier build wrote.
 */
setWorkflowOptions(longLived, gpuPool);
setWorkflowOptions(longLived, series);
setWorkflowOptions(longLived, triggers);
setWorkflowOptions(longLived, notification);
setWorkflowOptions(longLived, publishing);
