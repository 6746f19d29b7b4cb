import { z } from 'zod';

/**
 * What the pipeline's CloudFormation stack tells those who operate it: its outputs, by name. infra writes them,
 * `iqpir aws --stack` reads them.
 */
export const StackOutputs = z.object({
  UploadsBucket: z.string().min(1),
  /** A slash alone means none: an output is never empty, and no prefix begins with one. */
  UploadsPrefix: z
    .string()
    .regex(/\/$/)
    .transform((prefix) => (prefix === '/' ? '' : prefix)),
  ResultsBucket: z.string().min(1),
  /** ARN. */
  JobQueue: z.string().min(1),
  /** ARN, with its revision. */
  JobDefinition: z.string().min(1),
  /** JSON of what is asked where an upload asks for nothing else. */
  Settings: z.string().min(1),
  /** Whether models in the results bucket are installed; stacks of before do not say. */
  UserModels: z.enum(['true', 'false']).optional(),
  /** URL of the queue that dispatch reads. */
  Queue: z.string().min(1),
  /** URLs of the dead letters: of dispatch, of EventBridge on the way to its queue, and of settle. */
  PoisonQueue: z.string().min(1),
  UndeliveredQueue: z.string().min(1),
  UndeliveredFailuresQueue: z.string().min(1),
});
export type StackOutputs = z.infer<typeof StackOutputs>;
