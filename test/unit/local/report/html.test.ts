import { describe, expect, it } from 'vitest';
import { html } from '../../../../functions/local/report/html.ts';

describe('html', () => {
  it('escapes every string, in text and in attributes', () => {
    const name = `<img src=x onerror="alert('&')">.jpg`;
    expect(html`<p title="${name}">${name}</p>`.markup).toBe(
      '<p title="&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;.jpg">&lt;img src=x onerror=&quot;alert(&#39;&amp;&#39;)&quot;&gt;.jpg</p>',
    );
  });

  it('nests its own markup and lists of it as they are', () => {
    const items = ['a', '<b>'].map((text) => html`<li>${text}</li>`);
    expect(html`<ul>${items}</ul>`.markup).toBe('<ul><li>a</li><li>&lt;b&gt;</li></ul>');
  });

  it('leaves out what is undefined or false, and keeps zero', () => {
    expect(html`[${undefined}${false}${0}]`.markup).toBe('[0]');
  });
});
