import type { Version } from './bucket-contents.ts';
import type { Broken, WrittenRecord } from './checker.ts';

/**
 * The results bucket keeps what was overwritten: no record was ever replaced by an older version's, and none that was done
 * by another of the same version and settings. A record that failed by `config` or `transient` may be replaced by any.
 * @param history every version of the object at a record's key, the newest first
 */
export function checkHistory(
  key: string,
  history: WrittenRecord[],
  uploads: Map<string, Version[]>,
  broken: Broken,
): void {
  for (const [index, { record: later }] of history.entries()) {
    const earlier = history[index + 1]?.record;
    if (!later || !earlier) continue;
    const versions = uploads.get(later.source.key)?.map(({ id }) => id) ?? [];
    const [is, was] = [later, earlier].map(({ source }) => versions.indexOf(source.version ?? ''));
    // Versions are listed the newest first.
    if (is !== undefined && was !== undefined && is > was && was >= 0) {
      const versionsSaid = `that of ${earlier.source.version} was replaced by that of ${later.source.version}, which is older`;
      broken('not-replaced-by-older', key, `Of its records ${versionsSaid}`);
    }
    const isDone = earlier.error === undefined || earlier.error.fault === 'input';
    if (is === was && isDone && earlier.settingsHash === later.settingsHash) {
      broken('done-once', key, `Version ${later.source.version} was ${earlier.status} already, and was recorded again`);
    }
  }
}
