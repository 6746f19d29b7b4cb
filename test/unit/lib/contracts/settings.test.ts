import { describe, expect, it } from 'vitest';
import { hashSettings, Settings } from '../../../../functions/lib/contracts/settings.ts';

const models = ['a'.repeat(64), 'b'.repeat(64)];

describe('hashSettings', () => {
  it('is the same for the same request, however it was written', () => {
    const written = { format: 'png', model: 'iqpir-photo' };
    const other = { model: 'iqpir-photo', format: 'png', score: undefined };
    expect(hashSettings(Settings.parse(written), models)).toBe(
      hashSettings(Settings.parse(other), [...models].reverse()),
    );
  });

  it('differs where a setting or a model differs', () => {
    const asked = Settings.parse({});
    expect(hashSettings({ ...asked, score: 0.5 }, models)).not.toBe(hashSettings(asked, models));
    expect(hashSettings(asked, ['c'.repeat(64)])).not.toBe(hashSettings(asked, models));
  });

  it('is what it was before faces and scale could be asked for, unless the picture is enlarged', () => {
    const before = '3a1d35bbdb4b0a6ef34c6ec5acc6db7028c5f87de46e914c93cc8df4100daba9';
    const asked = Settings.parse({});
    expect(hashSettings(asked, models)).toBe(before);
    expect(hashSettings({ ...asked, faces: 'off' }, models)).toBe(before);
    expect(hashSettings({ ...asked, scale: 2 }, models)).not.toBe(before);
  });
});
