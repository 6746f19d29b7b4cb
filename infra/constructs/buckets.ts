import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  CfnBucket,
  type IBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import { S3_SERVER_ACCESS_LOGS_USE_BUCKET_POLICY } from 'aws-cdk-lib/cx-api';
import { Construct } from 'constructs';
import { bucketLayout } from '../../functions/lib/contracts/keys.ts';

export interface RestorationBucketsProps {
  /** Buckets that exist already. The uploads must send their events to EventBridge, see README. */
  readonly uploads?: IBucket;
  readonly results?: IBucket;
  /** Days after which uploads expire. Default: never. */
  readonly uploadsRetentionDays?: number;
  /** Days after which results and their records expire. Default: never. */
  readonly resultsRetentionDays?: number;
}

/** Query results are copies of what rows say, and can be had again. */
export const queriesPrefix = 'queries/';
const queriesRetention = Duration.days(30);
/** A sweep looks at a manifest when it is a day old; what it did is in the records. */
const manifestsRetention = Duration.days(90);
/** Time to bring back what was overwritten or deleted by mistake. */
const replacedVersionsRetention = Duration.days(30);
const accessLogsRetention = Duration.days(90);

/** Two private buckets, uploads and results, that outlive their stack, and a third for who read and wrote them. */
export class RestorationBuckets extends Construct {
  readonly uploads: IBucket;
  readonly results: IBucket;
  #accessLogs?: Bucket;

  constructor(scope: Construct, id: string, props: RestorationBucketsProps = {}) {
    super(scope, id);
    // Logs are delivered by the bucket's policy; without it the CDK would have it done by access control lists.
    this.node.setContext(S3_SERVER_ACCESS_LOGS_USE_BUCKET_POLICY, true);
    this.uploads =
      props.uploads ??
      this.#bucket('Uploads', props.uploadsRetentionDays ? [expiring('', props.uploadsRetentionDays)] : []);
    const { results, records, manifests } = bucketLayout;
    const days = props.resultsRetentionDays;
    this.results =
      props.results ??
      this.#bucket('Results', [
        ...(days ? [results, records].map((prefix) => expiring(prefix, days)) : []),
        expiring(manifests, manifestsRetention.toDays()),
        expiring(queriesPrefix, queriesRetention.toDays()),
      ]);
  }

  #bucket(id: string, lifecycleRules: LifecycleRule[]): Bucket {
    this.#accessLogs ??= this.#accessLogsBucket();
    const bucket = new Bucket(this, id, {
      ...privately,
      versioned: true,
      lifecycleRules: [
        {
          abortIncompleteMultipartUploadAfter: Duration.days(7),
          noncurrentVersionExpiration: replacedVersionsRetention,
        },
        ...lifecycleRules,
      ],
      serverAccessLogsBucket: this.#accessLogs,
      serverAccessLogsPrefix: `${id.toLowerCase()}/`,
    });
    sendEvents(bucket);
    return bucket;
  }

  #accessLogsBucket(): Bucket {
    const bucket = new Bucket(this, 'AccessLogs', {
      ...privately,
      lifecycleRules: [expiring('', accessLogsRetention.toDays())],
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'This bucket holds the access logs of the other two; logging it into itself would never end.',
    });
    return bucket;
  }
}

const privately = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  encryption: BucketEncryption.S3_MANAGED,
  enforceSSL: true,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  // Photographs are never deleted by taking a stack away.
  removalPolicy: RemovalPolicy.RETAIN,
} as const;

/**
 * Makes a bucket of this app send its events to EventBridge: in the bucket's own resource, since the L2's
 * `eventBridgeEnabled` brings a custom resource with a function of its own.
 * @returns whether it does; a bucket of elsewhere is its owner's to set
 */
export function sendEvents(bucket: IBucket): boolean {
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof CfnBucket)) return false;
  resource.addPropertyOverride('NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled', true);
  return true;
}

function expiring(prefix: string, days: number): LifecycleRule {
  return { prefix: prefix || undefined, expiration: Duration.days(days) };
}
