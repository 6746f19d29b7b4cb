import { RestorationError } from '../contracts/errors.ts';
import type { PutOptions } from './store.ts';

/** S3's limits, kept by every store so that what works on a folder works on a bucket. */
const metadataBytes = 2048;
const tagCount = 10;

const metadataName = /^[a-z0-9][a-z0-9._-]*$/;
/** Printable ASCII without blanks at the ends: HTTP headers lose those. */
const metadataValue = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;
const tagText = /^[\p{L}\p{N} +\-=._:/@]*$/u;

/** Throws `invalid-request` for metadata or tags that S3 would refuse or change. */
export function checkPutOptions(key: string, { metadata = {}, tags = {} }: PutOptions): void {
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata)) {
    if (!metadataName.test(name)) refuse(key, `a metadata name of lower case letters, digits, ".", "_" or "-"`, name);
    if (!metadataValue.test(value)) refuse(key, `printable ASCII as the metadata value of "${name}"`, value);
    bytes += name.length + value.length;
  }
  if (bytes > metadataBytes) refuse(key, `at most ${metadataBytes} bytes of metadata`, `${bytes} bytes`);

  const entries = Object.entries(tags);
  if (entries.length > tagCount) refuse(key, `at most ${tagCount} tags`, `${entries.length}`);
  for (const [name, value] of entries) {
    const fits = name.length > 0 && name.length <= 128 && value.length <= 256;
    if (!fits || !tagText.test(name) || !tagText.test(value)) {
      refuse(key, 'a tag of 1 to 128 and a value of up to 256 letters, digits, blanks or +-=._:/@', `${name}=${value}`);
    }
  }
}

function refuse(key: string, expected: string, received: string): never {
  throw new RestorationError('invalid-request', `Putting "${key}": expected ${expected}, received "${received}".`);
}
