import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isChromiumMissing, launchChromium } from '../support/chromium.ts';
import { type FaintText, faintTexts } from '../support/contrast.ts';
import { hostile, type size, writeLargeReport, writeSmallReport } from '../support/report-folders.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const decodeFirst = `(async () => {
  const image = document.querySelector('.compare img');
  await image.decode();
  return image.naturalWidth;
})()`;

let bucket: string;
let address: string;
let dispose: () => Promise<void>;
let browser: Browser;
let page: Page;
/** What the page fetched and what it complained of. */
let requests: string[];
let complaints: string[];

describe.skipIf(isChromiumMissing('the report in a browser'))('report.html in Chromium', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    ({ path: bucket, dispose } = await temporaryFolder());
    browser = await launchChromium();
    address = pathToFileURL(await writeSmallReport(bucket)).href;
  });
  afterAll(async () => {
    await browser.close();
    await dispose();
  });
  afterEach(() => page.close());

  async function open(
    url = address,
    options: { colorScheme?: 'dark' | 'light'; viewport?: typeof size; hasTouch?: boolean } = {},
  ) {
    page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
    requests = [];
    complaints = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(url);
  }

  const names = () => page.locator('.card:not([hidden]) h2').allTextContents();
  const slider = () => page.getByRole('slider').first();
  const at = () => slider().getAttribute('aria-valuenow');
  const focused = () => page.evaluate<string>('document.activeElement.querySelector("h2")?.textContent');
  const places = () =>
    page.evaluate<string[]>(
      '[...document.querySelectorAll("#large .pane:not([hidden]) img")].map((image) => image.style.transform)',
    );

  const width = () => page.evaluate<string>('document.querySelector("#large .pane img").style.width');

  it('opens from disk, fetches nothing but the pictures beside it, and complains of nothing', async () => {
    await open();
    await expect.poll(() => requests.filter((url) => url.endsWith('.webp')).length).toBeGreaterThan(1);
    for (const url of requests) expect(url).toMatch(/^file:/);
    expect(await page.evaluate<number>(decodeFirst)).toBe(900);
    expect(complaints).toEqual([]);
  });

  it('runs nothing that a name or a message holds', async () => {
    await open();
    expect(await names()).toContain(hostile);
    await page.waitForTimeout(200);
    expect(await page.title()).toBe('Test – before and after');
    expect(await page.locator('img[src=x]').count()).toBe(0);
  });

  it('moves the slider by keys, and says where it is', async () => {
    await open();
    await slider().focus();
    await page.keyboard.press('ArrowRight');
    expect(await at()).toBe('52');
    await page.keyboard.press('Shift+ArrowLeft');
    expect(await at()).toBe('42');
    expect(await slider().getAttribute('aria-valuetext')).toBe('42 % before, 58 % after');
    await page.keyboard.press('End');
    expect(await at()).toBe('100');
    await page.keyboard.press('ArrowRight');
    expect(await at()).toBe('100');
    await page.keyboard.press('Home');
    expect(await at()).toBe('0');
  });

  it('moves the slider by pointer, and shows as much of the result as it says', async () => {
    await open();
    const box = await slider().boundingBox();
    if (!box) throw new Error('Expected a slider in sight.');
    await page.mouse.move(box.x + box.width / 2, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.25, box.y + 80, { steps: 4 });
    expect(await at()).toBe('25');
    await page.mouse.up();
    await page.mouse.move(box.x + box.width * 0.75, box.y + 80);
    expect(await at()).toBe('25');
    expect(
      await page.evaluate<string>('getComputedStyle(document.querySelector(".compare img + img")).clipPath'),
    ).toMatch(/^inset\(0px 0px 0px 2[45]\.?\d*%\)$/);
  });

  it('filters by status and by words, says how many are left, and shows all again', async () => {
    await open();
    await page.getByRole('button', { name: /^Failed/ }).click();
    expect(await names()).toEqual([hostile]);
    expect(await page.getByRole('status').textContent()).toBe('1 of 4 pictures');
    await page.getByRole('button', { name: /^All/ }).click();
    await page.keyboard.press('/');
    await page.keyboard.type('better B.jpg');
    expect(await names()).toEqual(['b.jpg']);
    await page.getByRole('searchbox').fill('no such thing');
    expect(await names()).toEqual([]);
    await page.getByRole('button', { name: 'Show all' }).click();
    expect(await names()).toHaveLength(4);
  });

  it('sorts by gain, name and time, failures last by gain', async () => {
    await open();
    expect(await names()).toEqual(['b.jpg', 'c.jpg', hostile, 'a.jpg']);
    const sorted = async (by: string) => {
      await page.getByLabel('Sort').selectOption(by);
      return names();
    };
    expect(await sorted('largest gain')).toEqual(['a.jpg', 'b.jpg', 'c.jpg', hostile]);
    expect(await sorted('smallest gain')).toEqual(['c.jpg', 'b.jpg', 'a.jpg', hostile]);
    expect((await sorted('name')).filter((name) => name !== hostile)).toEqual(['a.jpg', 'b.jpg', 'c.jpg']);
    expect((await sorted('slowest'))[0]).toBe('c.jpg');
    expect(await sorted('as recorded')).toEqual(['b.jpg', 'c.jpg', hostile, 'a.jpg']);
  });

  it('goes from picture to picture by keys, over what is filtered out', async () => {
    await open();
    for (const [key, name] of [
      ['j', 'b.jpg'],
      ['j', 'c.jpg'],
      ['k', 'b.jpg'],
      ['k', 'b.jpg'],
      ['ArrowDown', 'c.jpg'],
      ['ArrowUp', 'b.jpg'],
    ] as const) {
      await page.keyboard.press(key);
      expect(await focused()).toBe(name);
    }
    await page.keyboard.press('ArrowRight');
    expect(await at()).toBe('52');
    await page.getByRole('button', { name: /^Restored/ }).click();
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    expect(await focused()).toBe('a.jpg');
  });

  it('opens the whole files at 1:1 with Enter, moves both together, and comes back', async () => {
    await open();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    const shown = page.locator('#large .pane img');
    expect(await shown.nth(0).getAttribute('src')).toBe('./uploads/b.jpg');
    expect(await shown.nth(1).getAttribute('src')).toBe('./results/b.jpg');
    expect(await width()).toBe('900px');
    const [start = ''] = await places();
    expect(await places()).toEqual([start, start]);

    await page.keyboard.press('ArrowRight');
    const [byKey = ''] = await places();
    expect(byKey).not.toBe(start);
    expect(await places()).toEqual([byKey, byKey]);

    const box = await shown.nth(1).locator('..').boundingBox();
    if (!box) throw new Error('Expected a pane in sight.');
    await page.mouse.move(box.x + 300, box.y + 300);
    await page.mouse.down();
    await page.mouse.move(box.x + 340, box.y + 300, { steps: 4 });
    await page.mouse.up();
    const [byDrag = ''] = await places();
    expect(byDrag).not.toBe(byKey);
    expect(await places()).toEqual([byDrag, byDrag]);

    await page.keyboard.press('0');
    expect(Number.parseFloat(await width())).toBeLessThan(900);
    await page.keyboard.press('j');
    expect(await page.locator('#large-name').textContent()).toBe('c.jpg');
    expect(await page.locator('#large .pane:not([hidden])').count()).toBe(1);
    await page.keyboard.press('Escape');
    expect(await page.locator('#large').isVisible()).toBe(false);
    expect(await focused()).toBe('c.jpg');
    expect(complaints).toEqual([]);
  });

  it.each(['light', 'dark'] as const)(
    'is readable in the %s scheme: every text has a contrast of 4.5 and more',
    async (colorScheme) => {
      await open(address, { colorScheme });
      expect(await page.evaluate<FaintText[]>(faintTexts)).toEqual([]);
      await page.keyboard.press('?');
      expect(await page.evaluate<FaintText[]>(faintTexts)).toEqual([]);
      const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
      expect(Number(/\d+/.exec(ground)?.[0]) > 128).toBe(colorScheme === 'light');
      // The measure itself can fail.
      await page.evaluate(`document.documentElement.style.setProperty('--quiet', '#777')`);
      expect((await page.evaluate<FaintText[]>(faintTexts)).length).toBeGreaterThan(0);
    },
  );

  it('fits a phone, its slider follows a finger, and its overview fits too', async () => {
    await open(address, { viewport: { width: 360, height: 740 }, hasTouch: true });
    await slider().scrollIntoViewIfNeeded();
    const box = await slider().boundingBox();
    if (!box) throw new Error('Expected a slider in sight.');
    await page.touchscreen.tap(box.x + box.width * 0.75, box.y + 40);
    expect(await at()).toBe('75');
    const overflow = () => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect(await overflow()).toBe(0);
    await page.getByRole('button', { name: 'Overview' }).click();
    expect(await overflow()).toBe(0);
    expect(await page.locator('.thumbnail img').first().isVisible()).toBe(true);
    expect(await page.getByRole('slider').count()).toBe(0);
  });

  it('opens a face before and after, in the middle of the view and enlarged', async () => {
    await open();
    await page.getByText('1 of 1 faces were restored.').click();
    await page.getByRole('button', { name: 'Face 1: restored' }).click();
    expect(await page.locator('#large .pane:not([hidden])').count()).toBe(2);
    // Twice the 900 px: the face's middle at 3 / 8 of the width lies in the middle of the pane.
    expect(await width()).toBe('1800px');
    const middle = await page.evaluate<number>('document.querySelector("#large .pane").clientWidth / 2');
    const [first, second] = await places();
    expect(Number(/translate\(([-\d.]+)px/.exec(first ?? '')?.[1])).toBeCloseTo(middle - 0.375 * 1800, 0);
    expect(second).toBe(first);
  });

  it('shows the preview large where the whole file was taken away since', async () => {
    const away = pathToFileURL(join(bucket, 'report')).href;
    await rename(join(bucket, 'uploads'), join(bucket, 'uploads-away'));
    await open();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    const before = () => page.evaluate<string>('document.querySelector("#large .pane img").currentSrc');
    await expect.poll(before).toContain(away);
    await rename(join(bucket, 'uploads-away'), join(bucket, 'uploads'));
  });

  it('shows 500 pictures at once, and decodes only those near the window', async () => {
    const url = pathToFileURL(await writeLargeReport(bucket, 500)).href;
    await open(url);
    expect(await page.evaluate<number>(decodeFirst)).toBe(900);
    expect(await page.locator('.card').count()).toBe(500);
    const decoded = () =>
      page.evaluate<number>(
        '[...document.images].filter((image) => image.currentSrc && image.complete && image.naturalWidth > 0).length',
      );
    await page.waitForTimeout(500);
    expect(await decoded()).toBeGreaterThan(0);
    expect(await decoded()).toBeLessThan(60);

    await page.getByLabel('Sort').selectOption('largest gain');
    await page.getByRole('searchbox').fill('499');
    expect(await names()).toEqual(['499.jpg']);
    expect(complaints).toEqual([]);
  });
});
