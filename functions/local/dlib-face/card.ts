import type { ModelCard } from '../../lib/contracts/model-card.ts';

/** Of the net once it is an ONNX file: the same bytes wherever it is converted. */
export function dlibFaceCard(file: { name: string; sha256: string; bytes: number }): ModelCard {
  return {
    version: 1,
    id: 'dlib-face',
    modelVersion: '1.7.15',
    title: "dlib's face recognition ResNet: tells people apart",
    task: 'embed-face',
    file: file.name,
    sha256: file.sha256,
    bytes: file.bytes,
    precision: 'fp32',
    inputs: [
      {
        name: 'image',
        role: 'image',
        type: 'float32',
        shape: ['N', 3, 150, 150],
        mean: [122.782, 117.001, 104.298],
        scale: [1 / 256, 1 / 256, 1 / 256],
      },
    ],
    outputs: [{ name: 'embedding', role: 'embedding', type: 'float32', shape: ['N', 128] }],
    size: { minimum: 150, multiple: 150 },
    scale: 1,
    defaults: {},
    face: { template: 'dlib-150', distance: 0.6, calibration: 'models/results/face-identity.json' },
    licence: {
      weights: 'public domain, as far as known (dlib-models); packed by @vladmandic/face-api under MIT',
      code: 'Apache-2.0',
      notices: ['Weights: Davis E. King, dlib. Packed in 8 bits for @vladmandic/face-api 1.7.15 by Vladimir Mandic.'],
    },
    training: {
      summary: "By dlib's author; on which faces is for him to say. Not trained or tuned by us.",
      data: [],
    },
    measured: [
      {
        what: 'two clean portraits, 94 people: median distance of one person and of two',
        command: 'models/face_damage.py, bench/face-identity.ts --skip 48: models/results/face-identity.json',
        figures: { same: 0.23, other: 0.84 },
      },
      {
        what: 'damaged against clean portraits of 94 people at the bound of 0.6: shares of false alarms and misses; without hard damage of faces shrunk fourfold',
        command: 'models/face_damage.py, bench/face-identity.ts --skip 48: models/results/face-identity.json',
        figures: {
          all: { falseAlarms: 0.105, misses: 0.009 },
          'without the ruined': { falseAlarms: 0.023, misses: 0.009 },
        },
      },
    ],
    limits: [
      'Trained on sharp faces: of a ruined one it says little, see the calibration.',
      'The figures are of adults in studio portraits of one series. Of children and others they say nothing.',
    ],
  };
}
