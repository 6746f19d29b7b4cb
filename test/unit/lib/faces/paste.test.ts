import { describe, expect, it } from 'vitest';
import { alignFace } from '../../../../functions/lib/faces/align.ts';
import type { Landmarks } from '../../../../functions/lib/faces/face.ts';
import { faceMask } from '../../../../functions/lib/faces/mask.ts';
import { pasteFace } from '../../../../functions/lib/faces/paste.ts';
import { templates } from '../../../../functions/lib/faces/template.ts';
import { type Image, peakOf } from '../../../../functions/lib/imaging/image.ts';
import { invert, type Point, type Similarity, transform } from '../../../../functions/lib/imaging/similarity.ts';

const { points } = templates['ffhq-512'];

/** Where a face lies whose eyes are so far apart (px), turned by so many degrees. */
function faceAt(centre: Point, eyeDistance: number, degrees: number): Landmarks {
  const scale = eyeDistance / (points['right-eye'].x - points['left-eye'].x);
  const angle = (degrees * Math.PI) / 180;
  const place: Similarity = { a: scale * Math.cos(angle), b: scale * Math.sin(angle), dx: 0, dy: 0 };
  const nose = transform(place, points.nose);
  const moved: Similarity = { ...place, dx: centre.x - nose.x, dy: centre.y - nose.y };
  return Object.fromEntries(
    (['left-eye', 'right-eye', 'nose', 'mouth-left', 'mouth-right'] as const).map((name) => [
      name,
      transform(moved, points[name]),
    ]),
  );
}

/** Slow waves, edges and grain: the same numbers every time. */
function photograph(width: number, height: number, channels: 1 | 3, peak: 255 | 65_535): Image {
  const pixels = peak === 255 ? new Uint8Array(width * height * channels) : new Uint16Array(width * height * channels);
  let state = 1;
  for (let index = 0; index < pixels.length; index++) {
    const place = Math.floor(index / channels);
    const x = place % width;
    const y = Math.floor(place / width);
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const grain = state / 2 ** 32 - 0.5;
    const edge = (Math.floor(x / 9) + Math.floor(y / 7)) % 2 === 0 ? 0.1 : -0.1;
    pixels[index] = peak * (0.5 + 0.2 * Math.sin(x / 31 + (index % channels)) * Math.cos(y / 23) + edge + 0.15 * grain);
  }
  return { width, height, channels, pixels };
}

const cases = {
  'a usual one': { size: [320, 240], centre: { x: 160, y: 120 }, eyes: 40, degrees: 0 },
  'turned by 33 degrees': { size: [320, 240], centre: { x: 150, y: 130 }, eyes: 36, degrees: 33 },
  'turned by 90 degrees': { size: [240, 320], centre: { x: 120, y: 160 }, eyes: 36, degrees: 90 },
  'upside down': { size: [200, 200], centre: { x: 100, y: 100 }, eyes: 30, degrees: 180 },
  'at the border': { size: [300, 300], centre: { x: 8, y: 280 }, eyes: 60, degrees: -20 },
  tiny: { size: [160, 120], centre: { x: 80, y: 60 }, eyes: 9, degrees: 10 },
  'larger than the crop': { size: [900, 900], centre: { x: 450, y: 450 }, eyes: 260, degrees: 5 },
} as const;

const kinds = { 'RGB of 8 bit': [3, 255], 'RGB of 16 bit': [3, 65_535], 'gray of 8 bit': [1, 255] } as const;

describe('a face is aligned', () => {
  it.each(Object.entries(cases))('%s: its landmarks come to the template and back within half a pixel', (_, one) => {
    const image = photograph(one.size[0], one.size[1], 1, 255);
    const landmarks = faceAt(one.centre, one.eyes, one.degrees);
    const aligned = alignFace(image, { landmarks });
    if (!aligned) throw new Error('The face was not aligned.');
    for (const [name, place] of Object.entries(landmarks)) {
      const there = transform(aligned.matrix, place);
      const template = points[name as keyof typeof points];
      expect(Math.hypot(there.x - template.x, there.y - template.y)).toBeLessThan(0.5);
      const back = transform(invert(aligned.matrix), there);
      expect(Math.hypot(back.x - place.x, back.y - place.y)).toBeLessThan(0.01);
    }
    expect(aligned.misfit).toBeLessThan(0.001);
    expect(aligned.enlargement).toBeCloseTo((points['right-eye'].x - points['left-eye'].x) / one.eyes, 1);
  });

  it('what is drawn at a landmark is found at the template point, in the pixels, within half a pixel', () => {
    for (const { size, centre, eyes, degrees } of [cases['turned by 90 degrees'], cases['larger than the crop']]) {
      const image: Image = { width: size[0], height: size[1], channels: 1, pixels: new Uint8Array(size[0] * size[1]) };
      const landmarks = faceAt(centre, eyes, degrees);
      const eye = landmarks['left-eye'] ?? centre;
      const spread = eyes / 20;
      for (let index = 0; index < image.pixels.length; index++) {
        const x = (index % image.width) + 0.5 - eye.x;
        const y = Math.floor(index / image.width) + 0.5 - eye.y;
        image.pixels[index] = 250 * Math.exp(-(x * x + y * y) / (2 * spread * spread));
      }
      const crop = alignFace(image, { landmarks })?.crop;
      const found = crop && centroid(crop);
      expect(Math.abs((found?.x ?? 0) - points['left-eye'].x)).toBeLessThan(0.5);
      expect(Math.abs((found?.y ?? 0) - points['left-eye'].y)).toBeLessThan(0.5);
    }
  });

  it('a detector that knows only the middle of the mouth gives the same place', () => {
    const image = photograph(400, 400, 1, 255);
    const { 'mouth-left': left, 'mouth-right': right, ...others } = faceAt({ x: 200, y: 200 }, 50, 25);
    if (!left || !right) throw new Error('The mouth is missing.');
    const mouth = { x: (left.x + right.x) / 2, y: (left.y + right.y) / 2 };
    const withCorners = alignFace(image, { landmarks: { ...others, 'mouth-left': left, 'mouth-right': right } });
    const withMiddle = alignFace(image, { landmarks: { ...others, mouth } });
    const corner = transform(withCorners?.matrix ?? { a: 0, b: 0, dx: 0, dy: 0 }, left);
    const again = transform(withMiddle?.matrix ?? { a: 0, b: 0, dx: 0, dy: 0 }, left);
    expect(Math.hypot(corner.x - again.x, corner.y - again.y)).toBeLessThan(0.5);
  });

  it('a profile does not fit the template, and landmarks in one place are no face', () => {
    const image = photograph(400, 400, 1, 255);
    const landmarks = faceAt({ x: 200, y: 200 }, 80, 0);
    const nose = { x: (landmarks['left-eye']?.x ?? 0) - 30, y: landmarks.nose?.y ?? 0 };
    expect(alignFace(image, { landmarks: { ...landmarks, nose } })?.misfit).toBeGreaterThan(0.05);
    const here = { x: 5, y: 5 };
    expect(alignFace(image, { landmarks: { 'left-eye': here, 'right-eye': here, nose: here } })).toBeUndefined();
    expect(alignFace(image, { landmarks: { nose: here } })).toBeUndefined();
  });
});

describe('a face is pasted back', () => {
  describe.each(Object.entries(kinds))('%s', (_, [channels, peak]) => {
    // All places in one kind, one place in the others: a crop takes a tenth of a second.
    const all = Object.entries(cases);
    const some = peak === 255 && channels === 3 ? all : all.slice(0, 1);

    it.each(some)('%s: unchanged it leaves the photograph as it was', (_, one) => {
      const original = photograph(one.size[0], one.size[1], channels, peak);
      const picture: Image = { ...original, pixels: original.pixels.slice() };
      const aligned = alignFace(original, { landmarks: faceAt(one.centre, one.eyes, one.degrees) });
      if (!aligned) throw new Error('The face was not aligned.');
      pasteFace(picture, aligned, aligned.crop);
      const { inside, outside } = differences(original, picture, aligned);
      expect(outside).toBeLessThanOrEqual(0);
      expect(inside).toBeLessThanOrEqual(2 / 255);
    });

    it.each(some)('%s: changed it changes the face alone', (_, one) => {
      const original = photograph(one.size[0], one.size[1], channels, peak);
      const picture: Image = { ...original, pixels: original.pixels.slice() };
      const aligned = alignFace(original, { landmarks: faceAt(one.centre, one.eyes, one.degrees) });
      if (!aligned) throw new Error('The face was not aligned.');
      pasteFace(picture, aligned, striped(aligned.crop));
      const { inside, outside } = differences(original, picture, aligned);
      expect(outside).toBe(0);
      expect(inside).toBeGreaterThan(30 / 255);
    });
  });

  it('takes its coarse colours from the photograph', () => {
    const original = photograph(320, 240, 3, 255);
    const picture: Image = { ...original, pixels: original.pixels.slice() };
    const aligned = alignFace(original, { landmarks: faceAt({ x: 160, y: 120 }, 50, 0) });
    if (!aligned) throw new Error('The face was not aligned.');
    const reddened = aligned.crop.pixels.map((value, index) => Math.min(255, value + (index % 3 === 0 ? 20 : 0)));
    pasteFace(picture, aligned, { ...aligned.crop, pixels: Uint8Array.from(reddened) });
    expect(differences(original, picture, aligned).inside).toBeLessThanOrEqual(2 / 255);
  });

  it('takes a restored face of 8 bit into a photograph of 16', () => {
    const original = photograph(300, 300, 3, 65_535);
    const picture: Image = { ...original, pixels: original.pixels.slice() };
    const aligned = alignFace(original, { landmarks: faceAt({ x: 150, y: 150 }, 40, 0) });
    if (!aligned) throw new Error('The face was not aligned.');
    const eightBit = Uint8Array.from(aligned.crop.pixels, (value) => Math.round(value / 257));
    pasteFace(picture, aligned, { ...aligned.crop, pixels: eightBit });
    expect(differences(original, picture, aligned).inside).toBeLessThanOrEqual(2 / 255);
  });

  it('refuses a face of another size', () => {
    const picture = photograph(64, 64, 3, 255);
    const aligned = alignFace(picture, { landmarks: faceAt({ x: 32, y: 32 }, 10, 0) });
    if (!aligned) throw new Error('The face was not aligned.');
    expect(() => pasteFace(picture, aligned, picture)).toThrow('512 x 512 x 3');
  });
});

describe('a mask', () => {
  it('covers eyes, nose and mouth, and spares hair, ears and border', () => {
    const mask = faceMask(points, 512);
    for (const { x, y } of Object.values(points)) expect(mask?.weight(x, y)).toBe(1);
    for (const [x, y] of [
      [256, 150],
      [100, 260],
      [412, 260],
      [256, 500],
      [130, 440],
    ] as const) {
      expect(mask?.weight(x, y)).toBe(0);
    }
  });

  it('never steps: neighbours differ by a few percent, wherever the face lies', () => {
    for (const landmarks of [points, { ...points, nose: { x: 150, y: 300 }, 'right-eye': { x: 230, y: 240 } }]) {
      const mask = faceMask(landmarks, 512);
      let most = 0;
      for (let y = 0.5; y < 512; y += 3) {
        for (let x = 0.5; x < 511; x++) {
          most = Math.max(most, Math.abs((mask?.weight(x, y) ?? 0) - (mask?.weight(x + 1, y) ?? 0)));
        }
      }
      expect(most).toBeLessThan(0.1);
    }
  });
});

/** The largest difference where the mask weighs and where it does not, as a share of the peak. */
function differences(before: Image, after: Image, aligned: { matrix: Similarity; landmarks: Landmarks }) {
  const mask = faceMask(aligned.landmarks, 512);
  const most = { inside: 0, outside: 0 };
  for (const [index, value] of after.pixels.entries()) {
    const difference = Math.abs(value - (before.pixels[index] ?? 0)) / peakOf(before);
    if (difference === 0) continue;
    const place = Math.floor(index / before.channels);
    const x = (place % before.width) + 0.5;
    const there = transform(aligned.matrix, { x, y: Math.floor(place / before.width) + 0.5 });
    const side = (mask?.weight(there.x, there.y) ?? 0) > 0 ? 'inside' : 'outside';
    most[side] = Math.max(most[side], difference);
  }
  return most;
}

function striped(crop: Image): Image {
  const peak = peakOf(crop);
  const pixels = crop.pixels.slice();
  for (const [index, value] of pixels.entries()) {
    const column = Math.floor(index / crop.channels) % crop.width;
    pixels[index] = Math.min(Math.max(value + (column % 64 < 32 ? 0.25 : -0.25) * peak, 0), peak);
  }
  return { ...crop, pixels };
}

function centroid({ width, pixels }: Image): Point {
  let sum = 0;
  const middle = { x: 0, y: 0 };
  for (const [index, value] of pixels.entries()) {
    sum += value;
    middle.x += value * ((index % width) + 0.5);
    middle.y += value * (Math.floor(index / width) + 0.5);
  }
  return { x: middle.x / sum, y: middle.y / sum };
}
