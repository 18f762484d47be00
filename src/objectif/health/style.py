"""The look of the health page: one column of text, wide tables that scroll, light or dark as the reader has set."""

CSS = """
:root{color-scheme:light dark;--paper:#fcfcfb;--card:#fff;--ink:#1d1f22;--quiet:#63686f;--line:#e2e2de;
--bad:#a8460a;--bad-soft:#fdf1e7;--good:#1d6b45;--good-soft:#e8f4ed;--accent:#2f5f9e;--track:#ecece8}
@media (prefers-color-scheme:dark){:root{--paper:#16181b;--card:#1e2125;--ink:#e7e7e4;--quiet:#9aa0a8;
--line:#33373d;--bad:#f0a060;--bad-soft:#33261a;--good:#7fcba2;--good-soft:#1b2d24;--accent:#8db6ee;--track:#2b2f35}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:62rem;margin:0 auto;padding:3rem 1.25rem 4rem}
header{margin-bottom:2.5rem}
h1{font-size:2.4rem;line-height:1.15;letter-spacing:-.02em;margin:.1rem 0 .4rem;overflow-wrap:anywhere}
h2{font-size:1.3rem;letter-spacing:-.01em;margin:0 0 .3rem}
h3{font-size:1rem;margin:1.4rem 0 .6rem}
p{margin:.2rem 0 .9rem;max-width:46rem;overflow-wrap:anywhere}
.kicker{color:var(--quiet);margin:0}
.quiet,small{color:var(--quiet)}
.verdict{display:inline-block;font-weight:600;padding:.2rem .8rem;border-radius:1rem;margin:.2rem 0 0}
.verdict.bad{color:var(--bad);background:var(--bad-soft)}
.verdict.good{color:var(--good);background:var(--good-soft)}
section{margin:0 0 3rem}
.worries ol{list-style:none;margin:.8rem 0 0;padding:0;counter-reset:worry}
.worries li{counter-increment:worry;position:relative;background:var(--card);border:1px solid var(--line);
border-left:4px solid var(--bad);border-radius:.5rem;padding:1rem 1.2rem .9rem 3.2rem;margin:0 0 1rem}
.worries li::before{content:counter(worry);position:absolute;left:1.2rem;top:.95rem;font-weight:700;color:var(--bad);
font-size:1.15rem}
.remedy::before{content:"What to do  ";font-weight:600;color:var(--good)}
code{font:.9em ui-monospace,Menlo,Consolas,monospace;background:var(--track);padding:.1rem .35rem;border-radius:.25rem}
.sets{display:flex;flex-wrap:wrap;gap:.8rem}
.set{display:flex;flex-wrap:wrap;gap:.6rem;border:1px solid var(--line);border-radius:.5rem;padding:.6rem;
background:var(--card);max-width:100%}
.set p{align-self:center;margin:0;color:var(--quiet)}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(10.5rem,1fr));gap:1rem}
figure{margin:0;width:9rem;min-width:0}
.gallery figure{width:auto;background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.6rem}
figure img{display:block;height:7rem;width:100%;object-fit:contain;background:var(--track);border-radius:.3rem}
.gone{display:grid;place-items:center;height:7rem;background:var(--track);border-radius:.3rem;color:var(--quiet);
font-size:.8rem}
figcaption{font-size:.82rem;line-height:1.35;margin-top:.4rem;overflow-wrap:anywhere}
figcaption small,figcaption em{display:block;font-style:normal}
figcaption small{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
figcaption em{color:var(--bad)}
figcaption i{font-style:normal;color:var(--quiet)}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}
th{font-weight:500;text-align:left}
td,th{padding:.32rem 1.1rem .32rem 0;border-bottom:1px solid var(--line);vertical-align:baseline}
tr:first-child>th{color:var(--quiet);font-size:.82rem}
.facts tr:first-child>th{font-size:inherit}
.facts th{color:var(--quiet);overflow-wrap:anywhere;min-width:8rem}
.classes,.areas{width:100%}
.classes td:not(.bar),.classes tr:first-child th:not(:first-child){text-align:right;white-space:nowrap}
.bar{width:45%}
.bar span{display:block;height:.6rem;border-radius:.3rem;background:var(--accent)}
.areas td{white-space:nowrap}
.areas .together th{font-weight:650}
.areas tr:not(.together) th{padding-left:1rem}
.areas tr:first-child th{padding-left:0}
.areas .bad th,.areas .bad td{color:var(--bad)}
.plot{width:34%;min-width:9rem;padding-right:0}
.track{position:relative;display:block;height:.9rem;border-radius:.45rem;
background:linear-gradient(to right,transparent calc(50% - 1px),var(--quiet) calc(50% - 1px),
var(--quiet) calc(50% + 1px),transparent calc(50% + 1px)),var(--track)}
.span{position:absolute;top:.33rem;height:.24rem;border-radius:.12rem;background:var(--accent);opacity:.55}
.dot{position:absolute;top:.15rem;width:.6rem;height:.6rem;margin-left:-.3rem;border-radius:50%;background:var(--accent)}
.bad .span,.bad .dot{background:var(--bad)}
ul{padding-left:1.1rem;max-width:46rem}
@media (max-width:36rem){main{padding-top:1.5rem}.worries li{padding-left:1.2rem}.worries li::before{position:static}
.bar{display:none}figure{width:7rem}}
@media print{.set,figure,.worries li,tr{break-inside:avoid}}
"""
