import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { pageOf } from '../../../../functions/local/report/page.ts';
import { commonFolder } from '../../../../functions/local/report/picture.ts';
import { deliveredRecord, recordedFace } from '../../../support/records.ts';

const page = pageOf({ pictures: [{ record: deliveredRecord() }], title: 'Holiday', software: 'iqpir-restore 0.1.0' });
const between = (from: string, to: string) => page.slice(page.indexOf(from) + from.length, page.indexOf(to));

describe('pageOf', () => {
  it('allows its own style and script by hash, pictures beside it, and nothing else', () => {
    const hash = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`;
    const policy = /Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1]?.replaceAll('&#39;', "'");
    expect(policy?.split('; ')).toEqual([
      "default-src 'none'",
      "img-src 'self' file:",
      `style-src '${hash(between('<style>', '</style>'))}'`,
      `script-src '${hash(between('<script>', '</script>'))}'`,
      "base-uri 'none'",
      "form-action 'none'",
    ]);
  });

  it('holds one script, which parses, and neither style attributes nor handlers', () => {
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(() => new Script(between('<script>', '</script>'))).not.toThrow();
    const body = page.slice(page.indexOf('<body>'), page.indexOf('<script>'));
    expect(body).not.toMatch(/\s(style|on\w+)=/);
  });

  it('names no address outside its folder', () => {
    expect(page).not.toMatch(/https?:/);
    expect(page).not.toMatch(/url\(|@import/);
  });
});

describe('the faces of a picture', () => {
  const record = deliveredRecord({
    faceTreatment: { as: 'faces', reason: 'restored', message: '1 of 2 faces were restored.' },
    faces: [
      recordedFace,
      { ...recordedFace, quality: undefined, identity: undefined, status: 'too-small', reason: 'It is <tiny>.' },
    ],
  });
  const shown = pageOf({ pictures: [{ record }], title: 'Faces', software: 'iqpir-restore 0.1.0' });

  it('are listed with what became of each, and where each is to be opened', () => {
    expect(shown).toContain('<summary>1 of 2 faces were restored.</summary>');
    expect(shown).toContain('data-x="0.3750" data-y="0.4500" data-at="2">Face 1: restored</button>');
    expect(shown).toContain('score 0.30 → 0.70, consistency 0.97, distance 0.20');
    expect(shown).toContain('Face 2: too small');
    expect(shown).toContain('It is &lt;tiny&gt;.');
  });

  it('are not spoken of where there are none', () => {
    expect(between('<main', '</main>')).not.toContain('class="faces"');
  });
});

describe('commonFolder', () => {
  it('is the folder that all keys share', () => {
    expect(commonFolder(['uploads/a/1.jpg', 'uploads/a/2.jpg'])).toBe('uploads/a/');
    expect(commonFolder(['uploads/a/1.jpg', 'uploads/ab.jpg'])).toBe('uploads/');
    expect(commonFolder(['uploads/a.jpg'])).toBe('uploads/');
    expect(commonFolder(['a.jpg', 'b/a.jpg'])).toBe('');
    expect(commonFolder([])).toBe('');
  });
});
