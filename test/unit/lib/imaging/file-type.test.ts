import { describe, expect, it } from 'vitest';
import { identify } from '../../../../functions/lib/imaging/file-type.ts';
import { drawRaw, fromRaw, refused } from '../../../support/pictures.ts';

describe('identify', () => {
  it.each(['jpeg', 'png', 'webp', 'avif', 'tiff', 'gif'] as const)('knows %s by its content', async (format) => {
    const bytes = await fromRaw(drawRaw(16, 16)).toFormat(format).toBuffer();

    expect(identify(bytes)).toEqual({ format });
  });

  it.each([
    ['photo.heic', 'HEIC'],
    ['photo.cr3', 'Canon raw (CR3)'],
    ['photo.cr2', 'Canon raw (CR2)'],
    ['photo.dng', 'DNG'],
    ['photo.nef', 'camera raw (NIKON CORPORATION)'],
    ['photo.jxl', 'JPEG XL'],
    ['bare.jxl', 'JPEG XL'],
    ['clip.mp4', 'MP4 or QuickTime video'],
    ['photo.bmp', 'BMP'],
    ['drawing.svg', 'SVG'],
    ['layers.psd', 'Photoshop (PSD)'],
    ['paper.pdf', 'PDF'],
    ['icon.ico', 'ICO'],
    ['pictures.zip', 'ZIP archive'],
    ['text.jpg', 'text'],
  ])('says what %s is and what to do with it', (name, unsupported) => {
    const identity = identify(refused[name] ?? Buffer.alloc(0));

    expect(identity).toMatchObject({ unsupported });
    expect('advice' in identity && identity.advice).toMatch(
      /^(Convert|Develop|Render|Export|Extract|Unpack|Give) .*\.$/,
    );
  });

  it('calls random bytes data of an unknown kind', () => {
    expect(identify(Buffer.from([1, 2, 3, 4, 250, 251, 252]))).toMatchObject({
      unsupported: 'data of an unknown kind',
    });
  });

  it('does not stumble over a file of one byte', () => {
    expect(identify(Buffer.from([0xff]))).toHaveProperty('unsupported');
  });
});
