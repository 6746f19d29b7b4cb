import { describe, expect, it } from 'vitest';
import {
  bucketLayout,
  folderLayout,
  formatOfName,
  manifestKey,
  nameOfUpload,
  recordKey,
  resultKey,
} from '../../../../functions/lib/contracts/keys.ts';

describe('keys', () => {
  it('put results and records under their prefixes, names as they are', () => {
    const name = nameOfUpload(bucketLayout, 'uploads/sub dir/%2B%20%%%.png') ?? '';
    expect(resultKey(bucketLayout, name)).toBe('results/sub dir/%2B%20%%%.png');
    expect(recordKey(bucketLayout, name)).toBe('records/sub dir/%2B%20%%%.png.json');
  });

  it('know no name for a key outside the uploads', () => {
    expect(nameOfUpload(bucketLayout, 'results/a.jpg')).toBeUndefined();
  });

  it.each([
    ['a/b.jpeg', 'png', 'a/b.png'],
    ['a/b.JPG', 'jpeg', 'a/b.JPG'],
    ['a.b/c', 'webp', 'a.b/c.webp'],
    ['.hidden', 'avif', '.hidden.avif'],
    ['scan.tiff', 'tiff', 'scan.tiff'],
    ['x.gif', 'png', 'x.png'],
  ])('rename %s for %s to %s', (name, format, expected) => {
    expect(resultKey(folderLayout, name, format)).toBe(expected);
  });

  it('shorten a key over 1,024 bytes to its hash, and keep prefix and extension', () => {
    const name = `${'é'.repeat(100)}/`.repeat(6).concat('x.jpg');
    const key = recordKey(bucketLayout, name);
    expect(key).toMatch(/^records\/long\/[0-9a-f]{64}\.json$/);
    expect(resultKey(bucketLayout, name)).toMatch(/^results\/long\/[0-9a-f]{64}\.jpg$/);
  });

  it('shorten a key with a segment that no file system takes', () => {
    const fits = 'a'.repeat(250);
    expect(recordKey(folderLayout, fits)).toBe(`records/${fits}.json`);
    expect(recordKey(folderLayout, 'a'.repeat(251))).toMatch(/^records\/long\//);
  });

  it('group manifests by day', () => {
    expect(manifestKey(bucketLayout, '2026-11-23T10:00:00.000Z', 'abc')).toBe('manifests/2026-11-23/abc.json');
  });

  it('read a format from a name, whatever its case', () => {
    expect(formatOfName('A.JPEG')).toBe('jpeg');
    expect(formatOfName('a.heic')).toBeUndefined();
    expect(formatOfName('png')).toBeUndefined();
  });
});
