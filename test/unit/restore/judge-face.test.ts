import { describe, expect, it } from 'vitest';
import { alignFace } from '../../../functions/lib/faces/align.ts';
import type { DetectedFace } from '../../../functions/lib/faces/face.ts';
import { findUnsuitable, judgeFace } from '../../../functions/restore/judge-face.ts';
import { fixtureModel } from '../../support/model-cards.ts';

const bounds = {
  template: 'ffhq-512' as const,
  largestEnlargement: 8,
  smallestEnlargement: 0.5,
  detectionScore: 0.8,
  misfit: 0.06,
  consistency: 0.9,
};
const { card } = fixtureModel('polish', { face: bounds });
const picture = { width: 1200, height: 900, channels: 3 as const, pixels: new Uint8Array(1200 * 900 * 3) };

/** A face of the template's shape, its eyes so many px apart, its middle at (600, 450). */
function faceOf(eyes: number, changes: Partial<DetectedFace> = {}, turned = 0): DetectedFace {
  const unit = eyes / 126;
  const at = (x: number, y: number) => ({ x: 600 + (x - 256) * unit, y: 450 + (y - 300) * unit });
  return {
    box: { x: 600 - 130 * unit, y: 450 - 130 * unit, width: 260 * unit, height: 260 * unit },
    score: 0.95,
    landmarks: {
      'left-eye': at(193, 240),
      'right-eye': at(319 - turned, 240),
      nose: at(257 - 2 * turned, 314),
      'mouth-left': at(201, 371),
      'mouth-right': at(313 - turned, 371),
    },
    ...changes,
  };
}

const verdictOn = (face: DetectedFace, scale = 1) =>
  findUnsuitable({ card, scale }, picture, face, alignFace(picture, face));

describe('a face that is one for the network', () => {
  it.each([
    ['near to the template', faceOf(63)],
    ['as small as may be', faceOf(16)],
    ['as large as may be', faceOf(240)],
    ['turned a little', faceOf(63, {}, 10)],
  ])('is %s', (_, face) => {
    expect(verdictOn(face)).toBeUndefined();
  });

  it.each([
    ['too-small', 'smaller than may be', faceOf(15), /enlarged 8\.\d\d times for the network, more than 8/],
    ['too-large', 'larger than may be', faceOf(270), /less than 0.5/],
    ['uncertain', 'found with doubt', faceOf(63, { score: 0.75 }), /score is 0\.75, below 0\.8/],
    [
      'uncertain',
      'looking to the side',
      faceOf(63, {}, 70),
      /landmarks lie \d+ % of the template's side off \(at most 6 %\)/,
    ],
    [
      'uncertain',
      'cut by the border',
      faceOf(63, { box: { x: -60, y: 10, width: 100, height: 100 } }),
      /shows 40 % of it/,
    ],
    [
      'uncertain',
      'without a mouth',
      faceOf(63, { landmarks: { 'left-eye': { x: 1, y: 1 }, 'right-eye': { x: 9, y: 1 } } }),
      /Too few/,
    ],
  ] as const)('is not %s: one that is %s', (status, _, face, reason) => {
    expect(verdictOn(face)).toEqual({ status, reason: expect.stringMatching(reason) });
  });

  it('is as small as in the source where the picture was enlarged', () => {
    expect(verdictOn(faceOf(30), 2)?.status).toBe('too-small');
    expect(verdictOn(faceOf(30), 1)).toBeUndefined();
  });
});

describe('a restored face', () => {
  const embedder = fixtureModel('polish', { face: { template: 'dlib-150', distance: 0.5 } }).card;
  const judging = { card, embedder, margin: 0.05, always: false };
  const good = { before: 0.4, after: 0.6, background: 0.5, consistency: 0.95, distance: 0.3 };

  it('takes its place where it is the same face and better than what there would be without it', () => {
    expect(judgeFace(judging, good)).toMatchObject({ status: 'restored' });
  });

  it.each([
    ['identity-drift', 'damaged again it does not match', { consistency: 0.89 }],
    ['identity-drift', 'nothing matches', { consistency: Number.NaN }],
    ['identity-drift', 'its embedding is far off', { distance: 0.51 }],
    ['worse', 'its score did not rise by the margin', { after: 0.44, background: undefined }],
    ['worse', 'the restorer of the picture did as well', { background: 0.56 }],
  ] as const)('is %s where %s', (status, _, changes) => {
    expect(judgeFace(judging, { ...good, ...changes }).status).toBe(status);
  });

  it('needs no better score where everything shall be delivered, but must be the same face', () => {
    const always = { ...judging, always: true };
    expect(judgeFace(always, { ...good, after: 0.1 }).status).toBe('restored');
    expect(judgeFace(always, { ...good, distance: 0.9 }).status).toBe('identity-drift');
  });
});
