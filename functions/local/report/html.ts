/** Text that is markup already: made by `html` alone, so that every string of a record is escaped on its way in. */
export interface Html {
  readonly markup: string;
}

export type HtmlValue = string | number | Html | undefined | false | readonly HtmlValue[];

/** Markup with its values escaped, for text and for quoted attributes alike. Undefined and false give nothing. */
export function html(texts: TemplateStringsArray, ...values: HtmlValue[]): Html {
  return { markup: texts.map((text, index) => text + markupOf(values[index])).join('') };
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function markupOf(value: HtmlValue): string {
  if (value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  if ('markup' in value) return value.markup;
  return value.map(markupOf).join('');
}
