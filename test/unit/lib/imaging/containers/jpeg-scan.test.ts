import { describe, expect, it } from 'vitest';
import { decode } from '../../../../../functions/lib/imaging/codec.ts';
import { reachOfScan, sendsEverything } from '../../../../../functions/lib/imaging/containers/jpeg-scan.ts';
import { cut, drawRaw, fromRaw, photoJpeg } from '../../../../support/pictures.ts';

/**
 * 48 x 64 pixels in 3 x 4 units with a restart marker after every second one, which sharp does not write: slopes saved by
 * Pillow 12 with quality=40, restart_marker_blocks=2, optimize=True.
 */
const withRestarts = Buffer.from(
  [
    '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhl',
    'bXd7gYKBTmCNl4x9lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8',
    'fHx8fHx8fHx8fHx8fHz/wAARCABAADADASIAAhEBAxEB/8QAGQABAQEBAQEAAAAAAAAAAAAAAwEFAAIG/8QAFRABAQAAAAAA',
    'AAAAAAAAAAAAAgD/xAAZAQADAQEBAAAAAAAAAAAAAAABAgQABgX/xAAWEQEBAQAAAAAAAAAAAAAAAAAAAgP/3QAEAAL/2gAM',
    'AwEAAhEDEQA/APkSZibiZibHzpCZibiZiYrs6f/QxyZibiZiZnv50yiZSakzEyuazp//0ckmUmpMxMVGdITKTUmYmK7On//S',
    'yiZiakykxQZ0hMxNSZSbL86f/9P0TKTUmUmZdnTKJmJqTKTBzWdP/9T2TMTUmUmZNnSEzE1JlJsuzp//2Q==',
  ].join(''),
  'base64',
);

describe('reachOfScan', () => {
  it('reads every unit of a whole picture, whatever its sampling', async () => {
    const gray = await fromRaw(drawRaw(99, 77, 1))
      .toColourspace('b-w')
      .jpeg()
      .toBuffer();

    // 16 x 16 pixels a unit with subsampling, 8 x 8 without, and for gray.
    expect(reachOfScan(await photoJpeg(320, 250))).toEqual({ readable: 20 * 16, total: 20 * 16 });
    expect(reachOfScan(await photoJpeg(320, 250, { chromaSubsampling: '4:4:4' }))).toEqual({
      readable: 1280,
      total: 1280,
    });
    expect(reachOfScan(gray)).toEqual({ readable: 130, total: 130 });
    expect(reachOfScan(withRestarts)).toEqual({ readable: 12, total: 12 });
  });

  it('finds where a cut picture ends', async () => {
    const jpeg = await photoJpeg(320, 240);
    const { readable = 0 } = reachOfScan(cut(jpeg, 0.5)) ?? {};

    // The picture is about as busy everywhere, so half of the bytes are about half of the units.
    expect(readable / 300).toBeGreaterThan(0.45);
    expect(readable / 300).toBeLessThan(0.55);
  });

  it('takes a file cut before a restart marker for cut, though no code is broken', () => {
    const lastRestart = Math.max(
      ...[0xd0, 0xd1, 0xd2, 0xd3, 0xd4].map((marker) => withRestarts.lastIndexOf(Buffer.from([0xff, marker]))),
    );

    expect(reachOfScan(withRestarts.subarray(0, lastRestart))).toEqual({ readable: 10, total: 12 });
  });

  it('says nothing of progressive files', async () => {
    expect(reachOfScan(await photoJpeg(64, 64, { progressive: true }))).toBeUndefined();
  });
});

describe('a JPEG with restart markers', () => {
  it('is read where it lacks its end marker, and is corrupt where it lacks an interval', async () => {
    const limits = { maxPixels: 10_000 };
    const { warnings } = await decode(withRestarts.subarray(0, -2), limits);

    expect(warnings.map(({ code }) => code)).toEqual(['jpeg-end-missing']);
    await expect(decode(withRestarts.subarray(0, -40), limits)).rejects.toMatchObject({ code: 'corrupt-image' });
  });
});

describe('sendsEverything', () => {
  it('is true of a whole progressive file and false without its last scan', async () => {
    const jpeg = await photoJpeg(64, 64, { progressive: true });

    expect(sendsEverything(jpeg)).toBe(true);
    expect(sendsEverything(jpeg.subarray(0, jpeg.lastIndexOf(Buffer.from([0xff, 0xda]))))).toBe(false);
  });
});
