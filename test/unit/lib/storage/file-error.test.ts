import { describe, expect, it } from 'vitest';
import { RestorationError } from '../../../../functions/lib/contracts/errors.ts';
import { fileError } from '../../../../functions/lib/storage/file-error.ts';

describe('An error of the file system', () => {
  it.each([
    ['EACCES', 'source-unreadable'],
    ['EPERM', 'source-unreadable'],
    ['EROFS', 'source-unreadable'],
    ['ENOENT', 'source-gone'],
    ['ENOTDIR', 'output-collision'],
    ['EISDIR', 'output-collision'],
    ['ENAMETOOLONG', 'invalid-request'],
    ['ENOSPC', 'store-unavailable'],
    ['EDQUOT', 'store-unavailable'],
    ['EIO', 'store-unavailable'],
    ['EMFILE', 'store-unavailable'],
    ['ESTALE', 'store-unavailable'],
  ])('%s is %s, with its cause', (systemCode, code) => {
    const cause = Object.assign(new Error(`${systemCode}: as the system says`), { code: systemCode });
    const error = fileError(cause, 'Writing "a.jpg"');
    expect(error).toMatchObject({ code, cause });
    expect(error.message).toMatch(/^Writing "a\.jpg" .*[A-Z]{3}/);
  });

  it('that is ours already stays as it is', () => {
    const error = new RestorationError('store-conflict', 'Expected nothing, found an object.');
    expect(fileError(error, 'Writing')).toBe(error);
  });
});
