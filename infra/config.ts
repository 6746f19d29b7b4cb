import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { z } from 'zod';
import { Settings } from '../functions/lib/contracts/settings.ts';

export const devices = ['cuda', 'webgpu', 'cpu'] as const;
export const networkModes = ['isolated', 'nat', 'public'] as const;

/** What the command line gives is text, what cdk.json gives is typed: both are taken. */
const flag = z.preprocess((value) => ({ true: true, false: false })[String(value)] ?? value, z.boolean());

function wholeIn(min: number, max: number) {
  const error = `Expected a whole number from ${min} to ${max}`;
  return z.preprocess(numberOf, z.int({ error }).min(min, { error }).max(max, { error }));
}

const bucketName = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'Expected the name of a bucket');

const logRetentions = Object.values(RetentionDays).filter((days): days is number => typeof days === 'number');

/** The CDK context of the app: `-c name=value` on the command line, or "context" in cdk.json. */
export const Config = z
  .strictObject({
    /** Part of the stacks' names, so that several can live in one account. */
    stage: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,19}$/, 'Expected a lower-case word of up to 20 letters')
      .default('dev'),
    /** Left out: the region that the AWS CLI is set to. */
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'Expected a region, like eu-central-1')
      .optional(),
    /** `cuda` and `webgpu` run on GPU instances, `cpu` on Fargate. */
    device: z.enum(devices).default('cuda'),
    /** How many vCPUs may run at once, in each of the two environments; a child takes 4. */
    maxVcpus: wholeIn(4, 10_000).default(16),
    /** Only uploads below it are restored: empty, or ending in a slash. */
    prefix: z
      .string()
      .regex(/^$|^[^/].*\/$/, 'Expected nothing, or a prefix that ends in a slash')
      .default(''),
    /** Buckets of yours to take instead of new ones. The uploads must send their events to EventBridge. */
    uploadsBucketName: bucketName.optional(),
    resultsBucketName: bucketName.optional(),
    /** `isolated`: no route to the internet, endpoints instead; `nat`: one NAT gateway; `public`: public addresses. */
    network: z.enum(networkModes).default('isolated'),
    /** Bus that hears of every committed record; `default` is the account's own. */
    eventBus: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,256}$/, 'Expected the name of an event bus')
      .optional(),
    /** An image of your own ECR by digest instead of one built at deployment. */
    image: z
      .string()
      .regex(
        /^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?\/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$/,
        'Expected ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:DIGEST',
      )
      .optional(),
    /** Whether models below `models/` in the results bucket are used too. */
    userModels: flag.default(false),
    /** What is asked of every restoration where an upload asks for nothing else; JSON on the command line. */
    settings: z.preprocess(parseJson, Settings).default(Settings.parse({})),
    /** US dollars a month; the alarm mail hears at 80 % and when 100 % are forecast. */
    monthlyBudget: wholeIn(1, 1_000_000).optional(),
    /** Who hears of alarms. The address must confirm the subscription. */
    alarmEmail: z.email('Expected a mail address').optional(),
    /** Hours with uploads and without a single record after which an alarm is raised. */
    silentHours: wholeIn(1, 24).default(6),
    logRetentionDays: z
      .preprocess(numberOf, z.number())
      .refine((days) => logRetentions.includes(days), `Expected one of ${logRetentions.join(', ')} days`)
      .default(90),
    /** Days after which uploads, and results with their records, expire. Left out: never. */
    uploadsRetentionDays: wholeIn(1, 36_500).optional(),
    resultsRetentionDays: wholeIn(1, 36_500).optional(),
  })
  .refine(({ monthlyBudget, alarmEmail }) => monthlyBudget === undefined || alarmEmail !== undefined, {
    path: ['alarmEmail'],
    message: 'Expected a mail address, since a budget without one tells nobody',
  })
  .refine(({ uploadsBucketName, resultsBucketName }) => !uploadsBucketName || uploadsBucketName !== resultsBucketName, {
    path: ['resultsBucketName'],
    message: 'Expected another bucket than the uploads: results would be taken for uploads',
  });
export type Config = z.infer<typeof Config>;

/**
 * Reads the app's context. Keys of the CDK itself and of its lookups carry a dash, a colon or a slash; every other key is
 * taken for ours, so that a misspelt one is an error and not a default.
 * @throws what was expected and what came, for each wrong value
 */
export function readConfig(context: Record<string, unknown>): Config {
  const own = Object.fromEntries(Object.entries(context).filter(([key]) => !/[-:/]/.test(key)));
  const parsed = Config.safeParse(own);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return `unknown: ${issue.keys.join(', ')}. Expected one of ${Object.keys(Config.shape).join(', ')}`;
    }
    const [key] = issue.path;
    const came = key === undefined ? undefined : own[String(key)];
    return `${issue.path.join('.')}: ${issue.message}, but received ${JSON.stringify(came) ?? 'nothing'}`;
  });
  throw new Error(
    `The context (-c name=value, or cdk.json) is not right:\n${lines.map((line) => `  ${line}`).join('\n')}`,
  );
}

function numberOf(value: unknown): unknown {
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
}

function parseJson(value: unknown, context: z.RefinementCtx): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    context.addIssue('Expected JSON');
    return z.NEVER;
  }
}
