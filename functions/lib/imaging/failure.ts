import { RestorationError } from '../contracts/errors.ts';
import type { SourceFormat } from './formats.ts';

/** The decoder said that the bytes are no whole file of their format. */
export function corruptImage(format: SourceFormat, thrown: unknown): RestorationError {
  return new RestorationError(
    'corrupt-image',
    `Expected a whole ${format} file, came a damaged one (${complaintOf(thrown)}). Give an undamaged copy.`,
    { cause: thrown },
  );
}

/** The decoder's own words, on one line: it puts every step that failed on a line of its own. */
export function complaintOf(thrown: unknown): string {
  const first = thrown instanceof RestorationError ? (thrown.cause ?? thrown) : thrown;
  return (first instanceof Error ? first.message : String(first)).trim().replaceAll('\n', '; ');
}
