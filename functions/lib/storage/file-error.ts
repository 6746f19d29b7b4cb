import { RestorationError } from '../contracts/errors.ts';

/** The code of a system error (`ENOENT`), undefined for any other value. */
export function systemCode(thrown: unknown): string | undefined {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** True where a path leads to nothing: not there, or below something that is no folder. */
export function isMissing(thrown: unknown): boolean {
  const code = systemCode(thrown);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** @param doing what failed, as the start of a sentence: `Reading /photos/a.jpg` */
export function fileError(thrown: unknown, doing: string): RestorationError {
  if (thrown instanceof RestorationError) return thrown;
  const code = systemCode(thrown);
  const options = { cause: thrown };
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new RestorationError(
        'source-unreadable',
        `${doing} was denied (${code}). Give this user the permission.`,
        options,
      );
    case 'ENOENT':
      return new RestorationError('source-gone', `${doing} found nothing there (${code}).`, options);
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ENOTEMPTY':
    case 'EEXIST':
      return new RestorationError(
        'output-collision',
        `${doing} met a file where a folder is needed, or a folder where a file is (${code}). Rename one of them.`,
        options,
      );
    case 'ENAMETOOLONG':
    case 'EILSEQ':
    case 'EINVAL':
      return new RestorationError(
        'invalid-request',
        `${doing} needs a name that this file system does not take (${code}).`,
        options,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return new RestorationError('store-unavailable', `${doing} found no space left (${code}). Free some.`, options);
    default: {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      return new RestorationError('store-unavailable', `${doing} failed: ${why}.`, options);
    }
  }
}
