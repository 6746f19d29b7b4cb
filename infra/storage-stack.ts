import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Config } from './config.ts';
import { RestorationBuckets } from './constructs/buckets.ts';

export interface StorageStackProps extends StackProps {
  readonly config: Config;
}

/** The buckets, in a stack of their own: the pipeline comes and goes, photographs stay. */
export class StorageStack extends Stack {
  readonly uploads: IBucket;
  readonly results: IBucket;

  constructor(scope: Construct, id: string, { config, ...props }: StorageStackProps) {
    super(scope, id, props);
    const existing = (name: string, bucketName?: string) =>
      bucketName === undefined ? undefined : Bucket.fromBucketName(this, name, bucketName);
    const { uploads, results } = new RestorationBuckets(this, 'Buckets', {
      uploads: existing('GivenUploads', config.uploadsBucketName),
      results: existing('GivenResults', config.resultsBucketName),
      uploadsRetentionDays: config.uploadsRetentionDays,
      resultsRetentionDays: config.resultsRetentionDays,
    });
    this.uploads = uploads;
    this.results = results;
    new CfnOutput(this, 'UploadsBucket', { value: uploads.bucketName, description: 'Put photographs here' });
    new CfnOutput(this, 'ResultsBucket', { value: results.bucketName, description: 'Find them restored here' });
  }
}
