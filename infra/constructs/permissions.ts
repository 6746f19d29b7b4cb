import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';

/** Without it a missing object reads as forbidden (403), not as missing (404), and nothing could tell "not yet" from "broken". */
export function mayList(role: Role, bucket: IBucket): void {
  role.addToPolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
}

/** @param prefixes what lies below them, from contracts/keys.ts */
export function mayRead(role: Role, bucket: IBucket, prefixes: string[]): void {
  allow(role, bucket, prefixes, ['s3:GetObject', 's3:GetObjectVersion']);
  bucket.encryptionKey?.grantDecrypt(role);
}

/** Puts, tags, and takes back the parts of an upload that broke off. Reading is granted apart from it. */
export function mayWrite(role: Role, bucket: IBucket, prefixes: string[]): void {
  allow(role, bucket, prefixes, ['s3:PutObject', 's3:PutObjectTagging', 's3:AbortMultipartUpload']);
  bucket.encryptionKey?.grantEncryptDecrypt(role);
}

/** By version, for good: another writer may put its own image between the look and the delete, and that must stay. */
export function mayDelete(role: Role, bucket: IBucket, prefixes: string[]): void {
  allow(role, bucket, prefixes, ['s3:DeleteObject', 's3:DeleteObjectVersion']);
}

function allow(role: Role, bucket: IBucket, prefixes: string[], actions: string[]): void {
  role.addToPolicy(
    new PolicyStatement({ actions, resources: prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`)) }),
  );
}
