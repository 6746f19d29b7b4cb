import { describe, expect, test } from 'vitest';
import { planViews, viewAround } from '../../../../functions/lib/faces/views.ts';

const detectors = {
  'of fixed windows of 256 px': {
    detector: {
      decoder: 'blazeface-back' as const,
      threshold: 0.7,
      window: 256,
      faces: [32, 160] as [number, number],
    },
    size: { minimum: 256, multiple: 256 },
  },
  'of any size up to 1024 px': {
    detector: { decoder: 'yunet' as const, threshold: 0.7, window: 1024, faces: [24, 320] as [number, number] },
    size: { minimum: 32, multiple: 32 },
  },
};

describe.each(Object.entries(detectors))('a detector %s', (_, { detector, size }) => {
  const [smallest, largest] = detector.faces;

  test.each([
    [512, 512],
    [4000, 3000],
    [300, 2500],
    [70, 50],
  ])('sees every face of a picture of %i x %i px uncut, at a size that it finds', (width, height) => {
    const views = planViews(width, height, detector, size);
    for (const face of [24, 31, 47, 90, 200, 450, 1000, 2000]) {
      const room = Math.min(width, height) - face;
      if (room < 0) continue;
      for (const [x, y] of [0, 0.23, 0.5, 0.77, 1].flatMap((a) => [0, 0.4, 1].map((b) => [a, b]))) {
        const box = { x: (x ?? 0) * (width - face), y: (y ?? 0) * (height - face) };
        const found = views.some(({ octave, area, zoom }) => {
          const seen = (face / 2 ** octave) * zoom;
          const [left, top] = [box.x / 2 ** octave - area.x, box.y / 2 ** octave - area.y];
          const inside = (start: number, side: number) => start >= 0 && start + face / 2 ** octave <= side;
          return seen >= smallest * 0.99 && seen <= largest && inside(left, area.width) && inside(top, area.height);
        });
        expect(found, `${face} px at ${box.x}, ${box.y}`).toBe(true);
      }
    }
  });

  test('is shown sides that it takes, and not larger than its window', () => {
    for (const { area, zoom } of planViews(3000, 700, detector, size)) {
      for (const side of [Math.round(area.width * zoom), Math.round(area.height * zoom)]) {
        expect(side % size.multiple).toBe(0);
        expect(side).toBeLessThanOrEqual(detector.window);
      }
    }
  });

  test('looks again at a face in the middle, from as near as it likes best', () => {
    for (const width of [24, 100, 900]) {
      const box = { x: 1000, y: 700, width, height: width };
      const { octave, area, zoom } = viewAround(box, detector, size, 8);
      expect((width / 2 ** octave) * zoom).toBeGreaterThanOrEqual(0.99 * smallest);
      expect((width / 2 ** octave) * zoom).toBeLessThanOrEqual(largest);
      expect((area.x + area.width / 2) * 2 ** octave).toBeCloseTo(1000 + width / 2);
      expect((area.y + area.height / 2) * 2 ** octave).toBeCloseTo(700 + width / 2);
      expect(Math.round(area.width * zoom) % size.multiple).toBe(0);
      expect(zoom).toBeGreaterThanOrEqual(1);
    }
  });
});

test('100 megapixels take a bounded number of views', () => {
  const { 'of fixed windows of 256 px': fixed, 'of any size up to 1024 px': free } = detectors;
  expect(planViews(12_247, 8165, fixed.detector, fixed.size).length).toBeLessThan(9000);
  expect(planViews(12_247, 8165, free.detector, free.size).length).toBeLessThan(200);
});
