/** The slider between before and after: dragged, touched, or moved by keys. */
export const sliderScript = /* js */ `
function slideTo(slider, percent) {
  const at = Math.min(100, Math.max(0, percent));
  const whole = Math.round(at);
  slider.style.setProperty('--at', at + '%');
  slider.setAttribute('aria-valuenow', String(whole));
  slider.setAttribute('aria-valuetext', whole + ' % before, ' + (100 - whole) + ' % after');
}

function slideToPointer(slider, event) {
  const box = slider.getBoundingClientRect();
  slideTo(slider, (100 * (event.clientX - box.left)) / box.width);
}

/** Returns whether the key moves a slider. */
function slideByKey(slider, { key, shiftKey }) {
  const now = Number(slider.getAttribute('aria-valuenow'));
  const step = shiftKey ? 10 : 2;
  const to = {
    ArrowRight: now + step, ArrowUp: now + step, ArrowLeft: now - step, ArrowDown: now - step,
    PageUp: now + 20, PageDown: now - 20, Home: 0, End: 100,
  }[key];
  // A chosen card is left by the vertical arrows, and scrolled past by the page keys.
  if (to === undefined || (document.activeElement !== slider && !key.match(/ArrowLeft|ArrowRight/))) return false;
  slideTo(slider, to);
  return true;
}

main.addEventListener('pointerdown', (event) => {
  const slider = event.target.closest('.compare');
  if (!slider || event.button !== 0) return;
  slider.setPointerCapture(event.pointerId);
  slideToPointer(slider, event);
});
main.addEventListener('pointermove', (event) => {
  const slider = event.target.closest('.compare');
  if (slider?.hasPointerCapture(event.pointerId)) slideToPointer(slider, event);
});
`;
