import { z } from 'zod';

/**
 * What the pipeline's CloudFormation stack tells those who operate it: its outputs, by name. infra writes them,
 * `iqpir aws --stack` reads them.
 */
export const StackOutputs = z.object({
  UploadsBucket: z.string().min(1),
  /** Left out where every upload counts: an output is never empty. */
  UploadsPrefix: z.string().regex(/\/$/).optional(),
  ResultsBucket: z.string().min(1),
  /** ARN. */
  JobQueue: z.string().min(1),
  /** ARN, with its revision. */
  JobDefinition: z.string().min(1),
  /** URL of the queue that dispatch reads. */
  DispatchQueue: z.string().min(1),
  /** URLs of the queues where uploads' events end that dispatch, or EventBridge, gave up on. */
  DispatchDeadLetters: z.string().min(1),
  EventDeadLetters: z.string().min(1),
  /** URL of the queue where failed jobs' events end that settle gave up on. */
  SettleDeadLetters: z.string().min(1),
  /** JSON of what is asked where an upload asks for nothing else. */
  Settings: z.string().min(1),
  /** The bus that hears of every committed record; left out where none does. */
  EventBus: z.string().min(1).optional(),
});
export type StackOutputs = z.infer<typeof StackOutputs>;
