/** A text of a page whose colours are too close. */
export interface FaintText {
  text: string;
  ratio: number;
}

/**
 * An expression for a page: its visible texts whose contrast against what lies behind them is below 4.5, which WCAG 2.2 asks
 * of text of ordinary size. Gives FaintText[].
 */
export const faintTexts = `(() => {
  const channels = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    const own = channels(getComputedStyle(element).backgroundColor);
    if ((own[3] ?? 1) > 0.5) return own;
    return element.parentElement ? behind(element.parentElement) : [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    const text = node.textContent.trim();
    if (text === '' || element.matches('script, style') || !element.checkVisibility()) continue;
    const [dark, light] = [channels(getComputedStyle(element).color), behind(element)].map(luminance).sort((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) faint.push({ text, ratio });
  }
  return faint;
})()`;
