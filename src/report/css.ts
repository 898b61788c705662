/** Printed pages are light whatever the screen was. */
const light = `--paper:#fff;--raised:#f7f8f9;--ink:#1a1d21;--muted:#5b636d;--line:#c9ced4;--grid:#e9ecef;
--good:#00694d;--bad:#a83c00;--warn:#7a5200;--info:#005b94;--bound:#a83c00;
--v0:#4a525b;--v1:#0072b2;--v2:#c25400;--v3:#008a65;--v4:#b0578a;--v5:#a67200;--v6:#2f86b8`;

/** The whole look of the page. Colours of variants are Okabe and Ito's, shifted for contrast on either ground; no colour says what no shape or word does. */
export const css = `
:root{color-scheme:light dark;${light}}
@media (prefers-color-scheme:dark){:root{--paper:#15181c;--raised:#1d2126;--ink:#e8eaed;--muted:#a3abb5;--line:#464d56;--grid:#2a2f36;
--good:#4fc9a4;--bad:#ff9a62;--warn:#eec05a;--info:#77bff0;--bound:#ff9a62;
--v0:#b5bdc6;--v1:#56b4e9;--v2:#f08c4a;--v3:#2fc297;--v4:#dd93bd;--v5:#e69f00;--v6:#9ccbe8}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;overflow-wrap:break-word;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main,footer{max-width:1120px;margin:0 auto;padding:0 24px}
h1{font-size:clamp(1.5rem,1.1rem + 1.7vw,2.15rem);line-height:1.25;font-weight:650;letter-spacing:-.01em;margin:.5rem 0 1rem;max-width:34em;text-wrap:balance}
h2{font-size:1.3rem;font-weight:650;letter-spacing:-.005em;margin:0 0 .75rem}
h3{font-size:1rem;font-weight:650;margin:1.5rem 0 .5rem}
p{margin:0 0 .75rem;max-width:72ch}
section{margin:0 0 3rem;padding-top:1.5rem;border-top:1px solid var(--grid)}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86em;overflow-wrap:anywhere}
pre{background:var(--raised);border:1px solid var(--grid);border-radius:6px;padding:.6rem .8rem;margin:.3rem 0 1rem;white-space:pre-wrap}
td pre{margin:.2rem 0 0;max-width:44ch;max-height:12em;overflow:auto}
a{color:var(--info)}
a:focus-visible,summary:focus-visible,.scroll:focus-visible,svg:focus-visible{outline:2px solid var(--info);outline-offset:2px}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--paper);padding:.4rem .8rem}
.muted,.meta,.n,.hint,.lead{color:var(--muted)}
.verdict{--tone:var(--muted);padding:2.5rem 0 1.5rem}
.verdict.adopt{--tone:var(--good)}.verdict.keep,.verdict.equivalent{--tone:var(--info)}.verdict.inconclusive{--tone:var(--warn)}.verdict.invalid,.verdict.keep.harm{--tone:var(--bad)}
.eyebrow{margin:0 0 .9rem;color:var(--muted);font-size:.95rem;overflow-wrap:anywhere}
.badges{margin:0;display:flex;flex-wrap:wrap;gap:.5rem}
.badge{display:inline-block;padding:.3rem .9rem;border-radius:999px;font-weight:650;background:var(--tone);color:var(--paper)}
.harm-badge{background:transparent;color:var(--bad);border:2px solid var(--bad);padding:calc(.3rem - 2px) .8rem}
.verdict h2{font-size:1rem;margin:0 0 .35rem}
.alert.deviation{--bad:var(--warn)}.alert{border-left:4px solid var(--bad);background:var(--raised);padding:.9rem 1.1rem .3rem;margin:0 0 1.2rem;border-radius:0 6px 6px 0;max-width:80ch}
ul{padding-left:1.2rem;margin:0 0 1rem;max-width:80ch}li{margin:.2rem 0}
.hypothesis span{font-weight:650}
.meta{font-size:.9rem;margin:0}
:root{--halo:var(--paper)}
.whole{white-space:nowrap}
.cards{list-style:none;padding:0;margin:0;max-width:none;display:grid;gap:14px;grid-template-columns:repeat(auto-fit,minmax(min(100%,188px),1fr))}.cards.six{grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr))}
.cards li{margin:0;background:var(--raised);border:1px solid var(--grid);border-radius:8px;padding:.9rem 1rem;display:flex;flex-direction:column;font-size:.88rem;color:var(--muted);line-height:1.45}
.cards .label{min-height:2.9em}
.cards strong{font-size:1.6rem;font-weight:650;line-height:1.3;color:var(--ink);font-variant-numeric:tabular-nums}
.way{white-space:nowrap}.better .way,.way.better{color:var(--good)}.worse .way,.way.worse{color:var(--bad)}
nav{display:flex;flex-wrap:wrap;gap:.3rem 1.1rem;margin:0 0 2rem;font-size:.92rem}
nav a{text-decoration:none;padding:.15rem 0}nav a:hover{text-decoration:underline}
.panels{display:grid;gap:30px 24px;grid-template-columns:repeat(auto-fill,minmax(min(100%,330px),1fr));margin:1.4rem 0 1.5rem;align-items:start}
.beside{display:grid;gap:24px;grid-template-columns:minmax(0,5fr) minmax(0,6fr);align-items:start}
figure{margin:0;min-width:0}
figure.primary{--halo:var(--raised);background:var(--raised);border-radius:8px;outline:12px solid var(--raised)}section>figure.primary{margin-bottom:28px}
figcaption{margin:0 0 .35rem;line-height:1.35}
.hint{display:block;font-size:.84rem}
.chart{display:block;max-width:100%;height:auto}
.scroll>.chart{min-width:52rem}
.strip{display:block}
.n{font-size:.84rem;margin:.2rem 0 .3rem}
.role{display:inline-block;font-size:.75rem;font-weight:500;color:var(--muted);border:1px solid var(--line);border-radius:4px;padding:0 .35em;line-height:1.5;white-space:nowrap}
details{margin:.2rem 0 .8rem;font-size:.9rem}summary{cursor:pointer;color:var(--info);width:max-content;max-width:100%}
details .scroll{max-height:24rem;margin-top:.4rem}
.scroll{overflow:auto;margin:0 0 1rem;position:relative}
table{border-collapse:collapse;font-size:.88rem;line-height:1.4}
table.wide{width:100%;min-width:66rem}
table.runs thead th,table.runs .number .sub{white-space:normal}@media screen{table.runs .number .sub{min-width:5.5rem}table.runs td:not(.number)>.sub{min-width:11rem}}
caption{max-width:min(1072px,calc(100vw - 32px));text-align:left;font-weight:650;padding:0 0 .5rem;caption-side:top}caption .muted{font-weight:400}
th,td{text-align:left;vertical-align:top;padding:.45rem .7rem .45rem 0;border-bottom:1px solid var(--grid)}
th{font-weight:600}tbody th{font-weight:500;white-space:nowrap}
thead th{color:var(--muted);font-weight:600;border-bottom-color:var(--line);vertical-align:bottom;white-space:nowrap}
tbody tr:last-child>*{border-bottom-color:var(--line)}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.first{padding-left:1.1rem}
th[scope=colgroup]{text-align:right;color:var(--ink)}
.group th{padding-top:1.1rem;font-weight:650;border-bottom-color:var(--line)}
.sub{display:block;color:var(--muted);font-size:.92em}
.note{max-width:34ch;white-space:normal}
.name{display:block;width:max-content;min-width:8ch;max-width:22ch;white-space:normal;overflow-wrap:anywhere}.pair .name{max-width:15ch}
.forest td,.forest tbody th{vertical-align:middle;padding-top:.25rem;padding-bottom:.25rem}.forest th .strip{margin-top:2px}
.ways{display:flex;justify-content:space-between;width:200px;font-weight:400}
.way.too-small,.way.open{color:var(--muted)}
.pair{display:grid;gap:30px 24px;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));align-items:start;margin:0 0 1.5rem}
.line{display:block}
.notes{font-size:.85rem;color:var(--muted);max-width:90ch;margin-top:.75rem}
.notes li{margin:.15rem 0}
.status{white-space:nowrap;font-weight:600}.status.pass{color:var(--good)}.status.warn{color:var(--warn)}.status.fail{color:var(--bad)}
.facts{margin:0 0 1rem;font-size:.92rem}
.facts div{display:grid;grid-template-columns:11rem minmax(0,1fr);gap:.2rem 1rem;padding:.4rem 0;border-bottom:1px solid var(--grid)}
.facts dt{color:var(--muted)}.facts dd{margin:0;overflow-wrap:anywhere}
.picture{display:block;width:64px;height:auto;image-rendering:pixelated;border:1px solid var(--line);background:var(--raised)}
.excerpt{white-space:pre-wrap;overflow-wrap:anywhere;max-width:60ch}td>.excerpt{display:block}
.cell{display:inline-block;margin-right:.6rem;overflow-wrap:anywhere}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;max-width:none}.legend svg{vertical-align:middle}
.numbers td,.numbers th{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.tip{position:fixed;z-index:1;max-width:min(34ch,calc(100vw - 8px));padding:.3rem .55rem;border:1px solid var(--line);border-radius:5px;background:var(--ink);color:var(--paper);font-size:.84rem;line-height:1.4;white-space:pre-line;overflow-wrap:anywhere;pointer-events:none}
.told{stroke:var(--ink);stroke-width:2px;opacity:1}
footer{color:var(--muted);font-size:.84rem;padding-bottom:2rem}
@media (max-width:820px){.beside{grid-template-columns:minmax(0,1fr)}}
@media (max-width:560px){main,footer{padding:0 16px}.verdict{padding-top:1.5rem}.facts div{grid-template-columns:1fr;gap:0}.cards .label{min-height:0}section{margin-bottom:2.2rem}}
@media print{:root{color-scheme:light;${light}}body{font-size:10.5pt}main,footer{max-width:none;padding:0}nav,.skip,.tip{display:none}details::details-content{content-visibility:visible;display:block}summary{list-style:none;color:var(--ink);font-weight:600}details .scroll,td pre{max-height:none}section{margin-bottom:1.2rem;padding-top:.8rem}
figure:not(:has(details)),tr,svg,.cards li,.alert{break-inside:avoid}thead{display:table-header-group}td,th,.number,thead th,tbody th{white-space:normal;overflow-wrap:break-word;padding-right:.4em}td .role,th .role{font-size:.85em}h2,h3,caption{break-after:avoid}.scroll{overflow:visible}table,table.wide{font-size:8pt;min-width:0}.scroll>.chart{min-width:0}.badge{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
