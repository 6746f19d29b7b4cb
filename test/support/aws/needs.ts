/**
 * The chain on the emulator takes minutes and needs Python with MiniStack: it is asked for by IQPIR_TEST_AWS=1, as .ci/run does.
 * Elsewhere its tests are skipped, and say so.
 */
export const chainAsked = process.env.IQPIR_TEST_AWS === '1';

export function saySkipped(what: string): void {
  if (chainAsked) return;
  console.warn(`SKIPPED: ${what}. CONTRIBUTING.md says how to run it: it needs MiniStack and IQPIR_TEST_AWS=1.`);
}
