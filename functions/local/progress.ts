import { SingleBar } from 'cli-progress';
import type { Progress } from '../restore/restore.ts';

export interface ProgressView {
  update(progress: Progress): void;
  stop(): void;
}

/**
 * Images, tiles and time left on stderr: a bar on a terminal, a line a picture elsewhere.
 * @param images how many will be settled
 */
export function showProgress(images: number, { quiet }: { quiet: boolean }): ProgressView {
  if (quiet || images === 0) return { update: () => {}, stop: () => {} };
  return process.stderr.isTTY ? bar(images) : lines(images);
}

function bar(images: number): ProgressView {
  const view = new SingleBar({
    format: '{bar} {settled}/{images} images | {tiles} | {left} left | {key}',
    barsize: 24,
    hideCursor: true,
    stream: process.stderr,
  });
  const start = Date.now();
  /** The share of each picture at work that is done: a picture's tiles are known only once it was decoded. */
  const parts = new Map<string, number>();
  let settled = 0;
  const shown = { settled, images, tiles: '-', left: '?', key: '' };
  view.start(images, 0, shown);
  return {
    update(progress) {
      shown.key = progress.key;
      if (progress.stage === 'tiles' || progress.stage === 'faces') {
        // Faces come after the tiles; nobody knows how many before that, so they do not count towards the time left.
        if (progress.stage === 'tiles') parts.set(progress.key, progress.done / progress.total);
        shown.tiles = `${progress.stage} ${progress.done}/${progress.total}`;
      } else if (progress.stage === 'settled') {
        parts.delete(progress.key);
        settled += 1;
      }
      const done = settled + [...parts.values()].reduce((sum, part) => sum + part, 0);
      shown.settled = settled;
      shown.left = done === 0 ? '?' : minutes(((Date.now() - start) / done) * (images - done));
      view.update(done, shown);
    },
    stop: () => view.stop(),
  };
}

function lines(images: number): ProgressView {
  let settled = 0;
  return {
    update(progress) {
      if (progress.stage !== 'settled') return;
      settled += 1;
      const { outcome } = progress;
      const how = outcome.standing === 'open' ? outcome.record.status : `skipped (${outcome.standing})`;
      process.stderr.write(`[${settled}/${images}] ${progress.key}: ${how}\n`);
    },
    stop: () => {},
  };
}

function minutes(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
