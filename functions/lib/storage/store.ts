import type { Readable } from 'node:stream';

export interface ObjectInfo {
  key: string;
  /** bytes */
  size: number;
  /** Opaque, without quotes; for conditions only, never taken for a digest. */
  etag: string;
  /** Left out by a store that keeps no versions, and by S3 when it lists. */
  version?: string;
  /** ISO 8601 */
  lastModified: string;
}

export interface ObjectHead extends ObjectInfo {
  contentType?: string;
  /** User metadata; keys are lower case, values ASCII, 2 KB in all. */
  metadata: Record<string, string>;
}

export interface PutOptions {
  contentType?: string;
  metadata?: Record<string, string>;
  tags?: Record<string, string>;
  /** Put only where nothing is (`absent`), or where the object still has this etag. Else `store-conflict`. */
  condition?: 'absent' | { etag: string };
}

/**
 * Objects by key. Puts are atomic: a reader sees the old object or the new one, never a part.
 * Errors: `store-conflict` where a condition fails, `store-unavailable` where trying again may help, `source-unreadable`
 * where access is denied, `source-gone` from `get` where the object or that version of it is not there,
 * `invalid-request` for a key, metadata or tags that the store cannot take, `output-collision` where a folder's file
 * would need a folder of the same name. Bodies fail in the same way while they are read: read them or destroy them.
 */
export interface ObjectStore {
  /** The bucket's name, or the folder's path. */
  readonly bucket: string;
  /** Undefined where there is no such object. */
  head(key: string, options?: { version?: string }): Promise<ObjectHead | undefined>;
  /** The bytes of one version; with `etag` only if it is still that one (else `source-gone`). */
  get(key: string, options?: { version?: string; etag?: string }): Promise<{ head: ObjectHead; body: Readable }>;
  /** In the order of the keys' UTF-8 bytes. */
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** @returns the new object; its bytes are durable when this resolves */
  put(key: string, body: Buffer | Readable, options?: PutOptions): Promise<ObjectInfo>;
  /**
   * Deleting what is not there is no error. With `version` only that one is taken away, for good: what somebody put
   * meanwhile stays.
   */
  delete(key: string, options?: { version?: string }): Promise<void>;
}
