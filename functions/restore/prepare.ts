import { createHash } from 'node:crypto';
import { resultKey } from '../lib/contracts/keys.ts';
import type { Decision, Result, Score, Warning } from '../lib/contracts/record.ts';
import { learnedScore, qualityBand } from '../lib/contracts/scores.ts';
import type { Settings } from '../lib/contracts/settings.ts';
import { encode } from '../lib/imaging/codec.ts';
import { contentTypes, type ResultFormat, type SourceFormat } from '../lib/imaging/formats.ts';
import type { DecodedImage, Image } from '../lib/imaging/image.ts';
import type { Delivery } from '../lib/storage/commit.ts';
import type { RestorationContext } from './restore.ts';

/** Everything that the delivered file is made of. */
export interface Judged {
  name: string;
  decoded: DecodedImage;
  decision: Decision;
  assessment: Score[];
  candidate: Image | undefined;
  /** A face of it was generated. */
  generated?: boolean;
  original: { bytes: Buffer; sha256: string };
}

/** The delivered file: the candidate encoded, the original's own bytes, or its pixels re-encoded as asked. */
export async function prepare(
  judged: Judged,
  settings: Settings,
  { results, layout, software }: Pick<RestorationContext, 'results' | 'layout' | 'software'>,
): Promise<{ delivery: Delivery; warnings: Warning[] }> {
  const { name, decoded, decision, original } = judged;
  const own = decoded.facts.format;
  const asked = settings.format === 'same' ? undefined : settings.format;
  const restored = decision.delivered === 'restored' ? judged.candidate : undefined;
  if (!restored && settings.scale === 1 && settings.metadata === 'keep' && (asked ?? own) === own) {
    const { width, height } = decoded.facts;
    const key = resultKey(layout, name, asked);
    const { bytes, sha256 } = original;
    const result = { bucket: results.bucket, key, format: own, sha256, size: bytes.length, width, height };
    return { delivery: deliveryOf(result, bytes, judged), warnings: [] };
  }
  const format = resultFormat(settings, own);
  const { width, height } = decoded.colour;
  const { bytes, warnings } = await encode(
    { ...decoded, colour: restored ?? decoded.colour },
    {
      format,
      policy: settings.metadata,
      processedBy: restored && `${software.name} ${software.version}`,
      generated: restored && judged.generated,
    },
  );
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const key = resultKey(layout, name, format === own ? asked : format);
  const result = { bucket: results.bucket, key, format, sha256, size: bytes.length, width, height };
  return { delivery: deliveryOf(result, bytes, judged), warnings };
}

/** GIF holds too few colours for a photograph: its restorations become PNG. */
export function resultFormat({ format }: Settings, own: SourceFormat): ResultFormat {
  if (format !== 'same') return format;
  return own === 'gif' ? 'png' : own;
}

/** Metadata tells whoever holds the object alone; lifecycle rules and IAM policies can ask for the tags. */
function deliveryOf(result: Result, bytes: Buffer, { decision, assessment }: Judged): Delivery {
  const restored = decision.delivered === 'restored';
  const status = restored ? 'succeeded' : 'unchanged';
  const learned = learnedScore(assessment);
  const metadata: Record<string, string> = { 'iqpir-status': status, 'iqpir-decision': decision.reason };
  const tags: Record<string, string> = { 'iqpir-status': status };
  if (learned) {
    metadata['iqpir-quality-before'] = learned.before.toFixed(3);
    if (learned.after !== undefined) metadata['iqpir-quality-after'] = learned.after.toFixed(3);
    tags['iqpir-quality'] = qualityBand(learned, restored ? (learned.after ?? learned.before) : learned.before);
  }
  return { result, contentType: contentTypes[result.format], metadata, tags, body: async () => bytes };
}
