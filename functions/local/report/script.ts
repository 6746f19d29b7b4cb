import { largeScript } from './script-large.ts';
import { listScript } from './script-list.ts';
import { sliderScript } from './script-slider.ts';

/**
 * The page's script, as text: the part of each idea, then the keys that join them. Written for browsers as they are, nothing
 * compiles it. Styles are set by properties, for the page's policy allows no style attributes.
 */
export const script = /* js */ `'use strict';
(() => {
const main = document.getElementById('pictures');
const cards = [...main.querySelectorAll('.card')];
${sliderScript}
${listScript}
${largeScript}
const help = document.getElementById('help');
document.getElementById('keys').addEventListener('click', () => help.showModal());
for (const dialog of document.querySelectorAll('dialog')) {
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog || event.target.closest('[data-close]')) dialog.close();
  });
}

const typed = {
  j: () => go(1),
  k: () => go(-1),
  '/': () => search.focus(),
  '?': () => help.showModal(),
  v: () => show(main.dataset.view === 'details' ? 'overview' : 'details'),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target;
  if (at.matches('input, select')) {
    if (event.key === 'Escape') at.blur();
    return;
  }
  if (help.open) return;
  const done = large.open ? largeKey(event) : cardKey(event, at) || (typed[event.key] && (typed[event.key](), true));
  if (done) event.preventDefault();
});

/** Keys of a chosen picture. Returns whether the key was meant for it. */
function cardKey(event, at) {
  const card = at.closest('.card');
  if (!card || at.matches('a, button')) return false;
  const slider = card.querySelector('.compare');
  if (event.key === 'Enter') {
    openLarge(card);
    return true;
  }
  if (at === card && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
    go(event.key === 'ArrowDown' ? 1 : -1);
    return true;
  }
  return slider ? slideByKey(slider, event) : false;
}
})();
`;
