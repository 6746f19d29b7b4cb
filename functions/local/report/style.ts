/** The page's style. A module, so that it is there in a checkout and in the compiled package alike. */
export const style = /* css */ `
:root {
  color-scheme: light dark;
  --ground: #f7f6f3; --surface: #fff; --stage: #eceae5; --check: #e0ddd6; --line: #e2dfd8; --strong: #cbc7bd;
  --text: #1f1e1b; --quiet: #66625a; --accent: #1f5f8b; --on-accent: #fff;
  --good: #0c6b4c; --good-soft: #e0f1e9; --keep: #75580a; --keep-soft: #f7eed3; --bad: #a72c20; --bad-soft: #fbe6e3;
  --shadow: 0 1px 2px rgb(40 36 28 / .05), 0 6px 24px rgb(40 36 28 / .05);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131312; --surface: #1c1c1a; --stage: #0e0e0d; --check: #1a1a18; --line: #302f2b; --strong: #4b4943;
    --text: #eceae4; --quiet: #a9a499; --accent: #82bfe8; --on-accent: #0d1c27;
    --good: #67cda1; --good-soft: #14302a; --keep: #dcb860; --keep-soft: #33290f; --bad: #f39a8f; --bad-soft: #3a1b17;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { scroll-padding-top: 76px; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; padding: 0 clamp(14px, 3.2vw, 44px) 56px; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
}
body > * { max-width: 1320px; margin-inline: auto; }
h1, h2, p, dl, dd, ul, figure { margin: 0; padding: 0; }
button, input, select { font: inherit; color: inherit; }
button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.quiet, .kicker, .direction { color: var(--quiet); font-weight: 400; }

.top { padding: 38px 0 22px; }
.kicker { font-size: 13px; }
h1 { font-size: clamp(26px, 3.4vw, 36px); line-height: 1.2; font-weight: 650; letter-spacing: -.02em; overflow-wrap: anywhere; }
.tiles { display: flex; flex-wrap: wrap; gap: 14px 40px; margin: 22px 0 16px; }
.tile { display: flex; flex-direction: column; }
.tile dd { font-size: 27px; line-height: 1.15; font-weight: 620; letter-spacing: -.01em; font-variant-numeric: tabular-nums; }
.tile dt { font-size: 13px; color: var(--quiet); }
.tile dt .quiet { display: block; font-size: 12px; }
.tile.succeeded dd { color: var(--good); }
.tile.unchanged dd { color: var(--keep); }
.tile.failed dd { color: var(--bad); }
.shares { display: block; border-radius: 3px; background: var(--line); }
.shares .succeeded { fill: var(--good); } .shares .unchanged { fill: var(--keep); } .shares .failed { fill: var(--bad); }

.toolbar {
  position: sticky; top: 0; z-index: 5; display: flex; flex-wrap: wrap; align-items: center; gap: 8px 12px; padding: 10px 0;
  background: var(--ground); border-bottom: 1px solid var(--line);
  box-shadow: 0 0 0 100vmax var(--ground); clip-path: inset(0 -100vmax);
}
.toolbar input { flex: 1 1 130px; max-width: 330px; min-width: 0; }
.toolbar input, .toolbar select, .toolbar button, .links button, .empty button, dialog button {
  height: 34px; padding: 0 11px; border: 1px solid var(--strong); border-radius: 8px; background: var(--surface);
}
.toolbar input::placeholder { color: var(--quiet); opacity: 1; }
.filters, .views, .zooms { display: flex; }
.filters button, .views button, .zooms button { border-radius: 0; margin-left: -1px; }
.filters button:first-child, .views button:first-child, .zooms button:first-child { border-radius: 8px 0 0 8px; margin-left: 0; }
.filters button:last-child, .views button:last-child, .zooms button:last-child { border-radius: 0 8px 8px 0; }
button[aria-pressed="true"] { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
.count { font-size: 12px; font-variant-numeric: tabular-nums; }
.sort { color: var(--quiet); } .sort select { color: var(--text); }
#keys { width: 34px; padding: 0; }
.shown { margin-left: auto; color: var(--quiet); font-size: 13px; }

main { display: grid; gap: 18px; padding-top: 18px; }
.card {
  display: grid; grid-template-columns: minmax(0, 1.75fr) minmax(340px, 1fr); background: var(--surface); border: 1px solid var(--line);
  border-radius: 14px; box-shadow: var(--shadow); overflow: hidden; content-visibility: auto; contain-intrinsic-size: auto 560px;
}
.card:focus { outline: 2px solid var(--accent); outline-offset: 1px; }
.stage {
  display: grid; place-items: center; min-width: 0; min-height: 120px; padding: 16px;
  background: var(--stage);
}
.stage img, .pane img { background: repeating-conic-gradient(var(--check) 0 25%, transparent 0 50%) 0 0 / 18px 18px; }
.stage img { display: block; max-width: 100%; height: auto; user-select: none; }
.missing { color: var(--quiet); padding: 24px; text-align: center; }
.failed .stage { min-height: 0; }
.compare { position: relative; max-width: 100%; border-radius: 6px; overflow: hidden; touch-action: pan-y; cursor: ew-resize; --at: 50%; }
.compare img + img { position: absolute; inset: 0; width: 100%; height: 100%; background-color: var(--stage); clip-path: inset(0 0 0 var(--at)); }
.single { position: relative; border-radius: 6px; overflow: hidden; }
.tag {
  position: absolute; top: 10px; padding: 2px 9px; border-radius: 99px; background: rgb(18 18 16 / .74); color: #fff;
  font-size: 12px; pointer-events: none;
}
.tag.before { left: 10px; } .tag.after { right: 10px; }
.handle { position: absolute; inset: 0 auto 0 var(--at); width: 2px; margin-left: -1px; background: #fff; box-shadow: 0 0 0 1px rgb(0 0 0 / .28); pointer-events: none; }
.handle::after {
  content: "‹ ›"; position: absolute; top: 50%; left: 50%; width: 36px; height: 36px; transform: translate(-50%, -50%); border-radius: 50%;
  background: #fff; color: #24221e; font: 600 17px/32px system-ui, sans-serif; text-align: center; letter-spacing: 1px; box-shadow: 0 1px 5px rgb(0 0 0 / .4);
}
.compare:focus-visible { outline-offset: 3px; }
.thumbnail { display: none; }

.facts { display: flex; flex-direction: column; gap: 12px; padding: 18px 20px; min-width: 0; }
.facts header { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 6px 12px; }
.facts h2 { font-size: 16.5px; line-height: 1.35; font-weight: 620; overflow-wrap: anywhere; }
.badges { display: flex; gap: 6px; align-items: center; font-size: 13px; font-weight: 600; white-space: nowrap; }
.status, .gain { padding: 2px 10px; border-radius: 99px; }
.gain { font-variant-numeric: tabular-nums; border: 1px solid var(--line); }
.succeeded .status { background: var(--good-soft); color: var(--good); }
.unchanged .status { background: var(--keep-soft); color: var(--keep); }
.failed .status { background: var(--bad-soft); color: var(--bad); }
.reason { overflow-wrap: anywhere; }
.scores { width: 100%; border-collapse: collapse; font-size: 14px; }
.scores th, .scores td { padding: 5px 0; border-top: 1px solid var(--line); text-align: left; font-weight: 400; white-space: nowrap; }
.scores thead th { border: 0; color: var(--quiet); font-size: 12px; padding: 0 0 3px; }
.scores thead td { border: 0; }
.scores tbody tr:first-child th, .scores tbody tr:first-child td { font-weight: 600; }
.scores .number { text-align: right; padding-left: 12px; font-variant-numeric: tabular-nums; }
.scores .bar { width: 38%; padding: 0 3px 0 12px; }
.scores svg { display: block; overflow: visible; }
.scores .scale { display: block; max-width: 150px; overflow: hidden; text-overflow: ellipsis; color: var(--quiet); font-size: 12px; font-weight: 400; line-height: 1.2; }
.better .after { color: var(--good); } .worse .after { color: var(--bad); }
.track { stroke: var(--line); stroke-width: 3; stroke-linecap: round; }
.way { stroke: var(--quiet); stroke-width: 3; }
.was { fill: var(--surface); stroke: var(--quiet); stroke-width: 2; }
.is { fill: var(--quiet); }
.better .way { stroke: var(--good); } .better .is { fill: var(--good); }
.worse .way { stroke: var(--bad); } .worse .is { fill: var(--bad); }
.facts dl, #help dl { display: grid; grid-template-columns: auto 1fr; gap: 3px 14px; font-size: 13px; }
.facts dt { color: var(--quiet); } .facts dd { overflow-wrap: anywhere; min-width: 0; }
.faces { font-size: 13px; } .faces summary { cursor: pointer; }
.faces ol { list-style: none; margin: 8px 0 0; padding: 0; display: grid; gap: 8px; max-height: 260px; overflow: auto; }
.faces button { height: 30px; padding: 0 11px; border: 1px solid var(--strong); border-radius: 8px; background: var(--surface); }
.faces p { color: var(--quiet); overflow-wrap: anywhere; }
.warnings { list-style: none; display: grid; gap: 5px; font-size: 13px; }
.warnings li { padding: 6px 11px; border-radius: 8px; background: var(--keep-soft); color: var(--keep); overflow-wrap: anywhere; }
.links { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 16px; margin-top: auto; font-size: 13.5px; }
.links button { height: 32px; }
a { color: var(--accent); text-underline-offset: 2px; }
.empty { padding: 48px 0; text-align: center; color: var(--quiet); } .empty button { color: var(--text); margin-left: 8px; }
footer { padding-top: 26px; color: var(--quiet); font-size: 12.5px; } footer p { max-width: 860px; }

main[data-view="overview"] { grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 14px; }
[data-view="overview"] .card { grid-template-columns: minmax(0, 1fr); contain-intrinsic-size: auto 250px; align-content: start; }
[data-view="overview"] .stage, [data-view="overview"] .facts > :not(header) { display: none; }
[data-view="overview"] .thumbnail {
  display: grid; place-items: center; width: 100%; aspect-ratio: 4 / 3; padding: 0; border: 0; background: var(--stage); overflow: hidden;
}
[data-view="overview"] .thumbnail img { width: 100%; height: 100%; object-fit: contain; }
[data-view="overview"] .facts { padding: 10px 12px 12px; }
[data-view="overview"] .facts header { gap: 6px; }
[data-view="overview"] .facts h2 { width: 100%; font-size: 13px; font-weight: 560; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
[data-view="overview"] .badges { font-size: 12px; }

dialog { padding: 0; border: 1px solid var(--line); border-radius: 14px; background: var(--surface); color: var(--text); }
dialog::backdrop { background: rgb(12 12 11 / .62); }
dialog header { display: flex; align-items: center; gap: 8px; padding: 10px 12px 10px 16px; }
dialog header h2 { flex: 1; min-width: 0; font-size: 15.5px; font-weight: 600; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
#large { width: min(1800px, calc(100vw - 24px)); height: calc(100dvh - 24px); max-width: none; max-height: none; overflow: hidden; }
#large[open] { display: grid; grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr); }
.panes { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); gap: 2px; min-height: 0; background: var(--line); }
.panes:focus { outline: none; }
.pane { position: relative; overflow: hidden; min-width: 0; min-height: 0; background: var(--stage); cursor: grab; touch-action: none; user-select: none; }
.pane:active { cursor: grabbing; }
.pane img { position: absolute; top: 0; left: 0; max-width: none; transform-origin: 0 0; }
.pane figcaption { position: absolute; top: 10px; left: 10px; padding: 2px 9px; border-radius: 99px; background: rgb(18 18 16 / .74); color: #fff; font-size: 12px; pointer-events: none; }
.hint { padding: 8px 16px; color: var(--quiet); font-size: 12.5px; }
kbd { padding: 0 5px; border: 1px solid var(--strong); border-bottom-width: 2px; border-radius: 4px; font: 12px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; }
#help { width: min(430px, calc(100vw - 32px)); } #help dl { padding: 2px 18px 20px; gap: 8px 18px; font-size: 14px; } #help dt { white-space: nowrap; }

@media (max-width: 900px) {
  .card { grid-template-columns: minmax(0, 1fr); contain-intrinsic-size: auto 760px; }
  .stage { padding: 0; } .compare, .single { border-radius: 0; }
  .facts { padding: 14px 16px 16px; }
}
@media (max-width: 620px) {
  body { font-size: 15px; }
  .top { padding: 24px 0 16px; }
  .tiles { display: grid; grid-template-columns: repeat(3, auto); gap: 14px 18px; justify-content: space-between; }
  .tile:nth-child(n + 4) { grid-column: span 2; } .tile:nth-child(n + 5) { grid-column: span 1; }
  .toolbar { gap: 8px; position: static; }
  .toolbar input { flex: 1 1 100%; max-width: none; }
  .filters { flex: 1 1 100%; } .filters button { flex: 1 1 auto; padding: 0 4px; font-size: 13.5px; }
  #keys, .shown { display: none; }
  .sort { flex: 1; } .sort select { max-width: 148px; }
  html { scroll-padding-top: 12px; }
  .scores .bar { width: 34%; }
  main[data-view="overview"] { grid-template-columns: repeat(auto-fill, minmax(145px, 1fr)); }
  .panes { grid-auto-flow: row; grid-auto-columns: auto; grid-auto-rows: minmax(0, 1fr); }
  .hint { display: none; }
  #large header { flex-wrap: wrap; } #large header h2 { flex: 1 1 100%; } .zooms { flex: 1; } .zooms button { flex: 1; }
  #large { width: 100vw; height: 100dvh; border: 0; border-radius: 0; }
}
@media (prefers-reduced-motion: no-preference) { .filters button, .views button { transition: background-color .12s; } }
@media print { .toolbar, .links { display: none; } .card { break-inside: avoid; content-visibility: visible; } }
`;
