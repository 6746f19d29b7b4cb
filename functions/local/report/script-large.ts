/** The large view: before and after side by side, moved and enlarged together. */
export const largeScript = /* js */ `
const large = document.getElementById('large');
const panes = [...large.querySelectorAll('.pane')];
/** zoom 0 fits the picture in; x and y are the middle of what is seen, in shares of the picture. */
const seen = { card: undefined, zoom: 1, x: 0.5, y: 0.5, width: 1, height: 1 };

main.addEventListener('click', (event) => {
  const opener = event.target.closest('[data-open]');
  if (!opener) return;
  const { x, y, at } = opener.dataset;
  // A face's button says where it lies, and how large it must be shown.
  openLarge(opener.closest('.card'), x && { x: Number(x), y: Number(y), zoom: Number(at) });
});
main.addEventListener('dblclick', (event) => {
  if (event.target.closest('.stage')) openLarge(event.target.closest('.card'));
});

function openLarge(card, where) {
  const { width, height, before, after, original, delivered, name } = card.dataset;
  if (!after) return;
  Object.assign(seen, { card, x: 0.5, y: 0.5, width: Number(width), height: Number(height) }, where);
  large.querySelector('bdi').textContent = name;
  fill(panes[0], before && (original || before), before, name);
  fill(panes[1], delivered || after, after, name);
  panes[1].querySelector('figcaption').textContent = before ? 'After' : 'Unchanged';
  if (!large.open) large.showModal();
  place();
}

/** Shows the whole file, or the preview where there is none or it cannot be shown. */
function fill(pane, whole, preview, name) {
  const image = pane.querySelector('img');
  pane.hidden = !whole;
  if (!whole) return image.removeAttribute('src');
  image.onerror = () => {
    image.onerror = null;
    image.src = preview;
  };
  image.src = whole;
  image.alt = name + ', ' + pane.dataset.side;
}

function scale(pane) {
  const fit = Math.min(pane.clientWidth / seen.width, pane.clientHeight / seen.height);
  // One pixel of the picture on one of the screen.
  return seen.zoom === 0 ? fit : seen.zoom / devicePixelRatio;
}

function place() {
  for (const pane of panes.filter(({ hidden }) => !hidden)) {
    const image = pane.querySelector('img');
    const by = scale(pane);
    const size = { x: seen.width * by, y: seen.height * by };
    seen.x = within(seen.x, pane.clientWidth, size.x);
    seen.y = within(seen.y, pane.clientHeight, size.y);
    image.style.width = size.x + 'px';
    image.style.height = size.y + 'px';
    image.style.imageRendering = by * devicePixelRatio > 1 ? 'pixelated' : 'auto';
    image.style.transform = 'translate(' + (pane.clientWidth / 2 - seen.x * size.x) + 'px,' + (pane.clientHeight / 2 - seen.y * size.y) + 'px)';
  }
  for (const button of large.querySelectorAll('[data-zoom]')) {
    button.setAttribute('aria-pressed', String(Number(button.dataset.zoom) === seen.zoom));
  }
}

/** Keeps the picture's edges at the pane's edges; a picture that is smaller stays in the middle. */
function within(middle, room, size) {
  if (size <= room) return 0.5;
  const half = room / size / 2;
  return Math.min(1 - half, Math.max(half, middle));
}

function pan(x, y) {
  const pane = panes.find(({ hidden }) => !hidden);
  const by = scale(pane);
  seen.x += x / (seen.width * by);
  seen.y += y / (seen.height * by);
  place();
}

function zoomTo(zoom) {
  seen.zoom = zoom;
  place();
}

function step(by) {
  let card = neighbour(seen.card, by);
  while (card && !card.dataset.after) card = neighbour(card, by);
  if (card) openLarge(card);
}

/** Returns whether the key was meant for the large view. */
function largeKey({ key, shiftKey }) {
  const far = shiftKey ? 240 : 60;
  const act = {
    ArrowLeft: () => pan(-far, 0), ArrowRight: () => pan(far, 0), ArrowUp: () => pan(0, -far), ArrowDown: () => pan(0, far),
    0: () => zoomTo(0), 1: () => zoomTo(1), 2: () => zoomTo(2), j: () => step(1), k: () => step(-1),
  }[key];
  act?.();
  return act !== undefined;
}

for (const pane of panes) {
  pane.addEventListener('pointerdown', (event) => {
    pane.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  pane.addEventListener('pointermove', (event) => {
    if (pane.hasPointerCapture(event.pointerId)) pan(-event.movementX, -event.movementY);
  });
  pane.addEventListener('wheel', (event) => {
    event.preventDefault();
    pan(event.deltaX, event.deltaY);
  }, { passive: false });
}
large.addEventListener('click', ({ target }) => {
  const { zoom, step: by } = target.closest('button')?.dataset ?? {};
  if (zoom !== undefined) zoomTo(Number(zoom));
  if (by !== undefined) step(Number(by));
});
large.addEventListener('close', () => {
  for (const pane of panes) pane.querySelector('img').removeAttribute('src');
  seen.card?.focus({ preventScroll: true });
  seen.card?.scrollIntoView({ block: 'nearest' });
});
addEventListener('resize', () => large.open && place());
`;
