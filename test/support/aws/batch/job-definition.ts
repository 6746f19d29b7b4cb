import { z } from 'zod';

/** As much of a job definition as running it takes, as DescribeJobDefinitions tells it. */
export const JobDefinition = z.looseObject({
  jobDefinitionName: z.string(),
  jobDefinitionArn: z.string(),
  parameters: z.record(z.string(), z.string()).default({}),
  timeout: z.looseObject({ attemptDurationSeconds: z.coerce.number() }).optional(),
  retryStrategy: z
    .looseObject({
      attempts: z.coerce.number().int().min(1).max(10).default(1),
      evaluateOnExit: z
        .array(
          z.strictObject({
            onStatusReason: z.string().optional(),
            onReason: z.string().optional(),
            onExitCode: z.string().optional(),
            action: z.string().transform((action) => z.enum(['RETRY', 'EXIT']).parse(action.toUpperCase())),
          }),
        )
        .default([]),
    })
    .default({ attempts: 1, evaluateOnExit: [] }),
  containerProperties: z.looseObject({
    command: z.array(z.string()).default([]),
    environment: z.array(z.looseObject({ name: z.string(), value: z.string() })).default([]),
    jobRoleArn: z.string().optional(),
    image: z.string().optional(),
  }),
});
export type JobDefinition = z.infer<typeof JobDefinition>;

/** `Ref::name` stands for a parameter, the job's own before the definition's. */
export function commandOf(definition: JobDefinition, parameters: Record<string, string>): string[] {
  const known = { ...definition.parameters, ...parameters };
  return definition.containerProperties.command.map((word) =>
    word.replaceAll(/Ref::([A-Za-z0-9_-]+)/g, (whole, name: string) => known[name] ?? whole),
  );
}
