/**
 * Why a colour profile cannot be used, or undefined where it can.
 * @param channels of the colour it must describe: 1 gray, 3 RGB
 * @see ICC.1:2022, section 7
 */
export function faultOfProfile(profile: Buffer, channels: 1 | 3): string | undefined {
  if (profile.length < 132) return `it has ${profile.length} bytes, a profile has 132 at least`;
  if (profile.toString('latin1', 36, 40) !== 'acsp') return 'it lacks the signature of a profile';
  const stated = profile.readUInt32BE(0);
  if (stated > profile.length) return `it says it has ${stated} bytes and has ${profile.length}`;
  const space = profile.toString('latin1', 16, 20);
  const expected = { 1: 'GRAY', 3: 'RGB ' }[channels];
  if (space !== expected) return `it describes ${space.trim()}, the picture is ${expected.trim()}`;
  const tags = profile.readUInt32BE(128);
  if (132 + tags * 12 > profile.length) return `its table of ${tags} tags does not fit into it`;
  for (let index = 0; index < tags; index++) {
    const at = 132 + index * 12;
    if (profile.readUInt32BE(at + 4) + profile.readUInt32BE(at + 8) > profile.length) return 'a tag lies outside of it';
  }
  return undefined;
}

/** Whether a profile says that it is sRGB, so that leaving it out changes no colour. */
export function isSrgb(profile: Buffer): boolean {
  const name = descriptionOf(profile);
  return /srgb/i.test(name) && !/linear/i.test(name);
}

/** Whether a profile describes gray; colour formats cannot carry one. */
export function isGrayProfile(profile: Buffer): boolean {
  return profile.toString('latin1', 16, 20) === 'GRAY';
}

/** The profile's name: ASCII in version 2, UTF-16 in version 4. */
function descriptionOf(profile: Buffer): string {
  const tags = profile.readUInt32BE(128);
  for (let index = 0; index < tags; index++) {
    const at = 132 + index * 12;
    if (profile.toString('latin1', at, at + 4) !== 'desc') continue;
    const offset = profile.readUInt32BE(at + 4);
    return profile.toString('latin1', offset, offset + profile.readUInt32BE(at + 8)).replaceAll('\0', '');
  }
  return '';
}
