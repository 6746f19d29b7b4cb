import { createHash } from 'node:crypto';

/** Where things lie in a store: a prefix for each kind of object, empty or ending in a slash. */
export interface KeyLayout {
  uploads: string;
  results: string;
  records: string;
  manifests: string;
}

/** A bucket that holds uploads and results side by side, and the layout of the results bucket on AWS. */
export const bucketLayout: KeyLayout = {
  uploads: 'uploads/',
  results: 'results/',
  records: 'records/',
  manifests: 'manifests/',
};

/** `iqpir restore`: results lie at the root of the output folder, under the paths of their inputs. */
export const folderLayout: KeyLayout = {
  uploads: '',
  results: '',
  records: 'records/',
  manifests: '.iqpir/manifests/',
};

/** Beside the layout in the results bucket on AWS: a row per image for queries, and the models that users bring. */
export const rowsPrefix = 'rows/';
export const userModelsPrefix = 'models/';

/** The pipeline's layout: results bucket as above, uploads in a bucket of their own, below a prefix or none. */
export function awsLayout(uploadsPrefix: string): KeyLayout {
  return { ...bucketLayout, uploads: uploadsPrefix };
}

/** Whether a key of the results bucket is one that this product writes. */
export function isOwnKey(layout: KeyLayout, key: string): boolean {
  const own = [layout.results, layout.records, layout.manifests, rowsPrefix, userModelsPrefix];
  return own.some((prefix) => key.startsWith(prefix));
}

/** S3 takes keys of up to 1,024 bytes of UTF-8; a file system takes segments of up to 255. */
const longestKey = 1024;
const longestSegment = 255;

/** The extensions by which a format's files go, the usual one first. */
const extensionsOf: Record<string, string[]> = {
  jpeg: ['jpg', 'jpeg', 'jpe', 'jfif'],
  png: ['png'],
  webp: ['webp'],
  avif: ['avif'],
  tiff: ['tif', 'tiff'],
  gif: ['gif'],
};

/** The format that a name claims by its extension. Undefined where it claims none that we write or read. */
export function formatOfName(name: string): string | undefined {
  const extension = extensionOf(name);
  return Object.keys(extensionsOf).find((format) => extensionsOf[format]?.includes(extension));
}

/** The key below the uploads prefix. Undefined where the key does not lie below it. */
export function nameOfUpload(layout: KeyLayout, uploadKey: string): string | undefined {
  return uploadKey.startsWith(layout.uploads) ? uploadKey.slice(layout.uploads.length) : undefined;
}

/**
 * @param name the upload's key below the uploads prefix
 * @param changedFormat the result's format where it is not the source's own; undefined keeps the name as it is
 */
export function resultKey(layout: KeyLayout, name: string, changedFormat?: string): string {
  return shortened(layout.results, changedFormat ? withExtension(name, changedFormat) : name);
}

/** Every key at which a result of the upload could lie, whatever format it was made in. */
export function resultKeys(layout: KeyLayout, name: string): string[] {
  return [...new Set([undefined, ...Object.keys(extensionsOf)].map((format) => resultKey(layout, name, format)))];
}

export function recordKey(layout: KeyLayout, name: string): string {
  return shortened(layout.records, `${name}.json`);
}

/** @param createdAt ISO 8601; its day groups the manifests */
export function manifestKey(layout: KeyLayout, createdAt: string, hash: string): string {
  return `${layout.manifests}${createdAt.slice(0, 10)}/${hash}.json`;
}

/**
 * The row of one version of an upload: a retry lands on it and cannot double it.
 * @param createdAt ISO 8601, when the upload was accepted; its day is the partition
 */
export function rowKey(createdAt: string, source: { key: string; version?: string; etag?: string }): string {
  const identity = JSON.stringify([source.key, source.version ?? source.etag ?? '']);
  const hash = createHash('sha256').update(identity).digest('hex');
  return `${rowsPrefix}date=${createdAt.slice(0, 10)}/${hash}.json`;
}

/** A name under another format's extension; a name that has one of that format already stays. */
function withExtension(name: string, format: string): string {
  if (formatOfName(name) === format) return name;
  const slash = name.lastIndexOf('/');
  const dot = name.lastIndexOf('.');
  // A leading dot starts a hidden file's name, it does not end a stem.
  const stem = dot > slash + 1 ? name.slice(0, dot) : name;
  return `${stem}.${extensionsOf[format]?.[0] ?? format}`;
}

function extensionOf(name: string): string {
  return /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
}

function shortened(prefix: string, name: string): string {
  const key = prefix + name;
  const tooLong =
    Buffer.byteLength(key) > longestKey ||
    key.split('/').some((segment) => Buffer.byteLength(segment) > longestSegment);
  if (!tooLong) return key;
  const extension = /\.[A-Za-z0-9]{1,5}$/.exec(name)?.[0] ?? '';
  return `${prefix}long/${createHash('sha256').update(key).digest('hex')}${extension}`;
}
