import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Where Chromium is installed; undefined where it is not. */
export const chromiumPath = places.find((path) => existsSync(path));

/** For `describe.skipIf`: whether Chromium is missing. Says so aloud, for a skipped test proves nothing. */
export function isChromiumMissing(what: string): boolean {
  if (chromiumPath) return false;
  process.stderr.write(`SKIPPED: ${what}: Chromium is not installed (looked for ${places.join(', ')}).\n`);
  return true;
}

/** A headless browser that asks nothing of the network by itself. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      // It runs as root in containers.
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
