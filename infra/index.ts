/**
 * The pipeline as constructs for a CDK app of yours: `import { RestorationPipeline } from 'iqpir-restore/infra'`. It takes
 * aws-cdk-lib, constructs and esbuild beside this package; README, "On AWS", has a whole app.
 */
export { RestorationBuckets, type RestorationBucketsProps } from './constructs/buckets.ts';
export { type Device, existingImage } from './constructs/image.ts';
export type { NetworkMode } from './constructs/network.ts';
export { RestorationPipeline, type RestorationPipelineProps } from './restoration-pipeline.ts';
