/** Which pictures are shown, in which order, and which of them is chosen. */
export const listScript = /* js */ `
const search = document.getElementById('search');
const sort = document.getElementById('sort');
const shown = document.getElementById('shown');
const filters = [...document.querySelectorAll('[data-filter]')];
let status = '';

const orders = {
  index: (a, b) => a.dataset.index - b.dataset.index,
  name: (a, b) => a.dataset.name.localeCompare(b.dataset.name, 'en', { numeric: true }),
  seconds: (a, b) => b.dataset.seconds - a.dataset.seconds,
  'gain-down': (a, b) => last(a, b) || b.dataset.gain - a.dataset.gain,
  'gain-up': (a, b) => last(a, b) || a.dataset.gain - b.dataset.gain,
};
/** What has no gain comes last, whichever way gains are sorted. */
function last(a, b) {
  return (a.dataset.gain === '') - (b.dataset.gain === '');
}

function filter() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let count = 0;
  for (const card of cards) {
    const { status: itsStatus, text } = card.dataset;
    card.hidden = (status !== '' && itsStatus !== status) || !words.every((word) => text.includes(word));
    if (!card.hidden) count++;
  }
  for (const button of filters) button.setAttribute('aria-pressed', String(button.dataset.filter === status));
  const all = cards.length + (cards.length === 1 ? ' picture' : ' pictures');
  shown.textContent = count === cards.length ? all : count + ' of ' + all;
  document.getElementById('empty').hidden = count > 0;
}

function reorder() {
  const order = orders[sort.value];
  cards.sort((a, b) => order(a, b) || orders.index(a, b));
  main.append(...cards);
}

/** In details or as an overview; the chosen picture stays in sight. */
function show(view) {
  main.dataset.view = view;
  for (const button of document.querySelectorAll('.views button')) {
    button.setAttribute('aria-pressed', String(button.dataset.view === view));
  }
  chosen()?.scrollIntoView({ block: 'nearest' });
}

function chosen() {
  return document.activeElement?.closest('.card');
}

/** The next visible picture in that direction; without one chosen, the first. */
function neighbour(card, step) {
  const visible = cards.filter(({ hidden }) => !hidden);
  if (!card || card.hidden) return visible[0];
  return visible[visible.indexOf(card) + step];
}

function go(step) {
  const card = neighbour(chosen(), step);
  if (!card) return;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: main.dataset.view === 'details' ? 'start' : 'nearest' });
}

search.addEventListener('input', filter);
sort.addEventListener('change', reorder);
for (const button of filters) {
  button.addEventListener('click', () => {
    status = button.dataset.filter;
    filter();
  });
}
for (const button of document.querySelectorAll('.views button')) {
  button.addEventListener('click', () => show(button.dataset.view));
}
document.getElementById('clear').addEventListener('click', () => {
  search.value = '';
  status = '';
  filter();
  search.focus();
});
`;
