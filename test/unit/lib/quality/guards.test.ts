import { describe, expect, test } from 'vitest';
import type { Image } from '../../../../functions/lib/imaging/image.ts';
import { measure } from '../../../../functions/lib/quality/assessment.ts';
import { collapsed, findBlank, findHarm } from '../../../../functions/lib/quality/guards.ts';
import {
  asJpeg,
  blurred,
  changed,
  draw,
  noisy,
  photoLike,
  shifted,
  with16Bit,
} from '../../../support/generated-pictures.ts';

const clean = photoLike(512, 384);
const scoresOf = (image: Image) => ({ scores: measure(image) });

describe('a result that is no picture', () => {
  test.each([
    ['black', changed(clean, () => 0)],
    ['flat gray', changed(clean, () => 128)],
    ['gray with a trace of the picture', changed(clean, (sample) => 128 + (sample - 128) / 255)],
  ])('is blank: %s', (_, image) => {
    expect(findBlank(clean, { image, nonFinite: 0 })).toMatch(
      /^The result spans \d\.\d levels of 255, the source at least \d+\.\d\.$/,
    );
  });

  test('is one with samples that are not numbers, however few', () => {
    expect(findBlank(clean, { image: clean, nonFinite: 1 })).toMatch(/1 samples of the result are not numbers/);
  });

  test('is one of another size, number of channels or depth', () => {
    for (const image of [photoLike(384, 512), photoLike(512, 384, { channels: 1 }), with16Bit(clean)]) {
      expect(findBlank(clean, { image, nonFinite: 0 })).toMatch(/^Expected 512 x 384 x 3 in 8 bit/);
    }
  });

  test('is none where the source is blank itself', () => {
    const white = draw(64, 64, 3, () => 255);
    expect(findBlank(white, { image: white, nonFinite: 0 })).toBeUndefined();
  });
});

describe('legitimate restoration of hard damage trips no guard', () => {
  const damages: [string, (image: Image) => Promise<Image>][] = [
    ['noise of sigma 50', async (image) => noisy(image, 50)],
    ['a blur of sigma 4', (image) => blurred(image, 4)],
    ['JPEG at quality 8', (image) => asJpeg(image, 8)],
    ['blur, noise and JPEG together', async (image) => asJpeg(noisy(await blurred(image, 2.5), 30), 25)],
  ];
  test.each(damages)('%s', async (_, damage) => {
    for (const original of [clean, photoLike(200, 150, { seed: 3 }), photoLike(300, 300, { seed: 4, channels: 1 })]) {
      const damaged = await damage(original);
      // Perfect, and as soft as a restorer that plays safe.
      for (const restored of [original, await blurred(original, 1.5)]) {
        expect(findBlank(damaged, { image: restored, nonFinite: 0 })).toBeUndefined();
        expect(findHarm(damaged, restored)).toBeUndefined();
        expect(collapsed(scoresOf(damaged), scoresOf(restored))).toBeUndefined();
      }
    }
  });

  test('a picture of nothing but noise may become flat', () => {
    const night = draw(256, 256, 3, () => 60);
    expect(findHarm(noisy(night, 25), night)).toBeUndefined();
  });

  test('noise that JPEG turned into blotches may go', async () => {
    const calm = changed(clean, (sample) => 118 + (sample - 118) / 6);
    expect(findHarm(await asJpeg(noisy(calm, 40), 12), calm)).toBeUndefined();
  });

  test('a drawing may become black and white again', () => {
    const drawing = draw(256, 256, 3, (x, y) => (x % 40 < 3 || y % 30 < 3 ? 0 : 255));
    const damaged = noisy(drawing, 8);
    expect(findHarm(damaged, drawing)).toBeUndefined();
    expect(collapsed(scoresOf(damaged), scoresOf(drawing))).toBeUndefined();
  });

  test('nothing changed, in 16 bit, and a few pixels only', () => {
    for (const image of [
      with16Bit(clean),
      draw(1, 1, 3, () => 9),
      draw(40, 1, 1, (x) => 6 * x),
      draw(7, 7, 3, (x) => 30 * x),
    ]) {
      expect(findHarm(image, image)).toBeUndefined();
    }
  });
});

describe('a result that shows something else is harm', () => {
  const swapped: Image = {
    ...clean,
    pixels: clean.pixels.map((_, at) => clean.pixels[at - (at % 3) + 2 - (at % 3)] ?? 0),
  };
  const blackTile = draw(512, 384, 3, (x, y, channel) =>
    x > 200 && x < 400 && y > 100 && y < 300 ? 0 : (clean.pixels[(y * 512 + x) * 3 + channel] ?? 0),
  );

  test.each([
    ['black', changed(clean, () => 0)],
    ['flat gray', changed(clean, () => 40)],
    ['red and blue swapped', swapped],
    ['negative', changed(clean, (sample) => 255 - sample)],
    ['a tint of 25 levels in one channel', changed(clean, (sample, channel) => sample + (channel === 0 ? 25 : 0))],
    ['one black tile', blackTile],
    ['blown-out highlights', changed(clean, (sample) => 128 + (sample - 128) * 2)],
  ])('colours: %s', (_, image) => {
    expect(findHarm(clean, image)).toMatchObject({
      guard: 'colour-shift',
      message: expect.stringMatching(/^Low frequencies changed colour by \d+\.\d levels .* \(at most 32\)\.$/),
    });
  });

  test('structure: content moved by 8 px', () => {
    expect(findHarm(clean, shifted(clean, 8))).toMatchObject({ guard: 'structure-lost' });
  });

  test('structure: a heavy blur', async () => {
    expect(findHarm(clean, await blurred(clean, 16))).toMatchObject({ guard: 'structure-lost' });
  });

  test('structure: another picture of the same colours', () => {
    const other = photoLike(512, 384, { seed: 99 });
    expect(
      findHarm(
        changed(clean, (s) => 118 + (s - 118) / 4),
        changed(other, (s) => 118 + (s - 118) / 4),
      ),
    ).toMatchObject({
      guard: 'structure-lost',
    });
  });

  test('in 16 bit as in 8', () => {
    expect(findHarm(with16Bit(clean), with16Bit(shifted(clean, 8)))).toMatchObject({ guard: 'structure-lost' });
  });

  test('also where the source is damaged: hard damage, moved', async () => {
    const damaged = await asJpeg(noisy(await blurred(clean, 2), 20), 30);
    expect(findHarm(damaged, shifted(clean, 8))).toMatchObject({ guard: 'structure-lost' });
  });
});

describe('classic measures collapse', () => {
  test('where a clean picture loses two thirds of its sharpness', async () => {
    expect(collapsed(scoresOf(clean), scoresOf(await blurred(clean, 5)))).toMatch(
      /^The sharpness fell from 0\.\d+ to 0\.\d+\.$/,
    );
  });

  test('where a grid of blocks appears', async () => {
    expect(collapsed(scoresOf(clean), scoresOf(await asJpeg(clean, 8)))).toMatch(/^The blockiness rose/);
  });

  test('where noise appears', () => {
    expect(collapsed(scoresOf(clean), scoresOf(noisy(clean, 20)))).toMatch(/^The noise rose/);
  });

  test('not where noise is taken away, and sharpness with it', async () => {
    expect(collapsed(scoresOf(noisy(clean, 25)), scoresOf(await blurred(clean, 2)))).toBeUndefined();
  });

  test('not where the blocks of a strong compression are taken away, and their edges with them', async () => {
    const blocky = await asJpeg(await blurred(clean, 1), 10);
    expect(collapsed(scoresOf(blocky), scoresOf(await blurred(clean, 5)))).toBeUndefined();
  });
});
