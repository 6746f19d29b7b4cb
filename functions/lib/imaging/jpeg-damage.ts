import { RestorationError } from '../contracts/errors.ts';
import type { Warning } from '../contracts/record.ts';
import { reachOfScan, sendsEverything } from './containers/jpeg-scan.ts';

/** Share of its pixels that a JPEG may lack and still be restored. */
const bearable = 0.01;

const endMarker = Buffer.from([0xff, 0xd9]);

/** A damaged JPEG that is worth decoding all the same. */
export interface Salvaged {
  bytes: Buffer;
  /** A decoder's complaint, here, means that more is missing than could be seen without decoding. */
  tolerant: boolean;
  warning: Warning;
}

/**
 * Decides about a JPEG that the decoder complained about.
 * @param complaint the decoder's message
 * @throws RestorationError `corrupt-image` where 1 % of the rows or more are missing, or nobody can tell how many
 */
export function salvageJpeg(bytes: Buffer, height: number, complaint: string): Salvaged {
  const whole = withEndMarker(bytes);
  const endMissing = /premature end of JPEG/i.test(complaint);
  const { reach, complete } = read(bytes);
  if (!reach) {
    const stray = /extraneous bytes/i.test(complaint);
    if (!complete || !(endMissing || stray)) throw corruptJpeg(complaint);
    return { bytes: whole, tolerant: stray, warning: endMissing ? missingEnd : irregular(complaint) };
  }
  const missing = 1 - reach.readable / reach.total;
  if (missing >= bearable) {
    throw corruptJpeg(`about ${Math.round(missing * height)} of ${height} rows are missing or damaged`);
  }
  if (missing === 0) return { bytes: whole, tolerant: true, warning: endMissing ? missingEnd : irregular(complaint) };
  const message = `About ${Math.max(1, Math.round(missing * height))} of ${height} rows are missing at the end of the file.`;
  return { bytes: whole, tolerant: true, warning: { code: 'jpeg-rows-missing', message } };
}

/** A header that makes no sense is damage too. */
function read(bytes: Buffer) {
  try {
    return { reach: reachOfScan(bytes), complete: sendsEverything(bytes) };
  } catch {
    return { reach: undefined, complete: false };
  }
}

const missingEnd: Warning = {
  code: 'jpeg-end-missing',
  message: 'The file lacks its end marker; all its rows are there.',
};

function irregular(complaint: string): Warning {
  return { code: 'jpeg-irregular', message: `All rows are there, but the decoder said: ${complaint}` };
}

/** Ends the file where it was cut: a lone 0xFF at its end is half a marker. */
function withEndMarker(bytes: Buffer): Buffer {
  const end = bytes.at(-1) === 0xff ? bytes.length - 1 : bytes.length;
  return Buffer.concat([bytes.subarray(0, end), endMarker]);
}

function corruptJpeg(why: string): RestorationError {
  return new RestorationError(
    'corrupt-image',
    `Expected a whole JPEG, came a damaged one: ${why}. Less than 1 % of the rows may be missing; give an undamaged copy.`,
  );
}
