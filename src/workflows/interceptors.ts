import { ApplicationFailure, type WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { payloadProblem } from '../contract/payload';

/** Refuses oversized values with a clear failure of the workflow; the server would terminate it without one. */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  inbound: [
    {
      async execute(input, next) {
        refuse('the workflow input', input.args);
        const result = await next(input);
        refuse('the workflow result', result);
        return result;
      },
    },
  ],
  outbound: [
    {
      scheduleActivity(input, next) {
        refuse(`the input of activity ${input.activityType}`, input.args);
        return next(input);
      },
      startChildWorkflowExecution(input, next) {
        refuse(`the input of workflow ${input.workflowType}`, input.options.args);
        return next(input);
      },
      signalWorkflow(input, next) {
        refuse(`the signal ${input.signalName}`, input.args);
        return next(input);
      },
    },
  ],
});

function refuse(what: string, value: unknown): void {
  const problem = payloadProblem(what, value);
  if (problem) throw ApplicationFailure.create({ type: 'PayloadTooLarge', message: problem, nonRetryable: true });
}
