"""The look of the page: colours for light and dark, type, spacing, print. Figures take their colours from here too."""

SERIES = 8
"""How many distinct colours a figure has before they repeat."""

_COLOURS = {
    "paper": ("#ffffff", "#14171c"),
    "panel": ("#f5f6f8", "#1d2129"),
    "ink": ("#1c2024", "#e7eaee"),
    "quiet": ("#5b646f", "#a3adba"),
    "line": ("#d9dde3", "#363d48"),
    "accent": ("#1f5fbf", "#7db1ff"),
    "bar": ("#a9b3c1", "#5d6878"),
    "warning": ("#8a4b00", "#ffbf66"),
    "series-1": ("#1f5fbf", "#7db1ff"),
    "series-2": ("#bf4e0b", "#ff9f5a"),
    "series-3": ("#157a52", "#55d19c"),
    "series-4": ("#7a36d9", "#bd98ff"),
    "series-5": ("#b3204a", "#ff7f9c"),
    "series-6": ("#0b7480", "#52cfdb"),
    "series-7": ("#7a5a00", "#e3b84f"),
    "series-8": ("#5b646f", "#a3adba"),
    "token-0": ("#d6e6ff", "#1f4170"),
    "token-1": ("#ffe3c7", "#6b3c12"),
    "token-2": ("#d3f2df", "#14523a"),
    "token-3": ("#eadcff", "#4c2c80"),
    "memory-1": ("#ffe7bb", "#33291c"),
    "memory-2": ("#ffd08a", "#463417"),
    "memory-3": ("#fab750", "#593f10"),
    "memory-4": ("#ee9a1c", "#694600"),
}


def variable(name: str) -> str:
    """The CSS expression for a colour of the theme, such as `var(--ink)`."""
    if name not in _COLOURS:
        raise ValueError(f"name is {name!r}, but the theme has only {', '.join(_COLOURS)}")
    return f"var(--{name})"


def series(index: int) -> str:
    """The name of the colour for the series with this index, from 0; they repeat after `SERIES`."""
    return f"series-{index % SERIES + 1}"


def placeholders() -> dict[str, str]:
    """For each colour's name the made-up hexadecimal colour that stands for it while a figure is drawn.

    No drawing uses such near-black colours otherwise, so they can be replaced by `variable(name)` afterwards.
    """
    return {name: f"#0{index:02x}ab1" for index, name in enumerate(_COLOURS)}


def _variables(choice: int) -> str:
    return " ".join(f"--{name}: {pair[choice]};" for name, pair in _COLOURS.items())


def stylesheet() -> str:
    """The whole CSS of the page: no fonts, images or files from elsewhere."""
    light, dark = _variables(0), _variables(1)
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n{_RULES}"
    )


_RULES = """
* { box-sizing: border-box; }
:root {
  --font: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", "DejaVu Sans", sans-serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
}
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 var(--font); overflow-wrap: break-word; }
main, header, footer { max-width: 66rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.25rem; }
footer { padding-top: 1rem; padding-bottom: 3rem; color: var(--quiet); font-size: 0.875rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 0.4rem; letter-spacing: -0.01em; }
h2 { font-size: 1.35rem; line-height: 1.3; margin: 2.75rem 0 0.6rem; padding-top: 0.9rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.6rem 0 0.4rem; }
p, .notes { max-width: 44rem; margin: 0.5rem 0; }
.quiet { color: var(--quiet); }
a { color: var(--accent); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.2rem 1.1rem; list-style: none; padding: 0; margin: 0.9rem 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, 1fr)); gap: 0.75rem; margin: 1.2rem 0;
  padding: 0; }
.tiles > div { background: var(--panel); border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.75rem 0.95rem; }
.tiles dt { color: var(--quiet); font-size: 0.875rem; line-height: 1.35; }
.tiles dd { margin: 0; }
.tiles .value { font-size: 1.6rem; font-weight: 600; line-height: 1.3; }
.tiles .note { color: var(--quiet); font-size: 0.875rem; line-height: 1.35; }
.scroll { overflow-x: auto; margin: 0.2rem 0 1rem; }
table { border-collapse: collapse; font-size: 0.9375rem; }
p.caption { max-width: none; margin: 1rem 0 0; color: var(--quiet); font-size: 0.875rem; line-height: 1.4; break-after: avoid; }
th, td { padding: 0.34rem 0.8rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th:first-child, td:first-child { padding-left: 0.15rem; }
thead th { border-bottom: 2px solid var(--line); font-weight: 600; vertical-align: bottom; line-height: 1.3; }
tbody th { font-weight: 500; min-width: 8.5rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
td:not(.number) { min-width: 6.5rem; }
.pairs th { color: var(--quiet); font-weight: 400; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1rem 1.5rem;
  margin: 1rem 0; }
figure { margin: 0; max-width: 31rem; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { color: var(--quiet); font-size: 0.875rem; line-height: 1.4; margin-top: 0.2rem; }
.notes { border-left: 3px solid var(--warning); padding: 0.1rem 0 0.1rem 0.9rem; list-style: none; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 0.4rem; padding: 0.7rem 0.85rem; margin: 0.6rem 0;
  overflow-x: auto; font: 0.8125rem/1.5 var(--mono); }
pre.command { white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: 0.6rem 0; }
details > pre { max-height: 30rem; overflow: auto; }
summary { cursor: pointer; color: var(--accent); padding: 0.2rem 0; }
.tokens { font: 0.9375rem/1.9 var(--mono); white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 4; unicode-bidi: isolate;
  background: var(--panel); border: 1px solid var(--line); border-radius: 0.4rem; padding: 0.7rem 0.85rem; margin: 0.4rem 0;
  max-height: 24rem; overflow-y: auto; }
.tokens span { border-radius: 0.2rem; padding: 0.13em 0; -webkit-box-decoration-break: clone; box-decoration-break: clone; }
.t0 { background: var(--token-0); } .t1 { background: var(--token-1); }
.t2 { background: var(--token-2); } .t3 { background: var(--token-3); }
.m1 { background: var(--memory-1); } .m2 { background: var(--memory-2); }
.m3 { background: var(--memory-3); } .m4 { background: var(--memory-4); }
.tokens .silent { color: var(--quiet); }
.tokens .chosen { outline: 2px solid var(--accent); }
.tokens .source { outline: 2px dashed var(--ink); }
.tokens.memory { max-height: none; } .memory span { scroll-margin-bottom: 8rem; }
.legend span { display: inline-block; border: 1px solid var(--line); border-radius: 0.2rem; padding: 0 0.45em;
  color: var(--ink); }
.legend .chosen, .legend .source { border: 0; padding: 0 0.2em; margin: 0 0.15em; line-height: 1.3; }
.legend .chosen { outline: 2px solid var(--accent); } .legend .source { outline: 2px dashed var(--ink); }
.view .readout { position: sticky; bottom: 0; min-height: 3em; padding: 0.3rem 0; background: var(--paper); }
.view .readout:empty { position: static; }
.readout { min-height: 1.5em; margin: 0.1rem 0 0; color: var(--quiet); font-size: 0.875rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 40rem) {
  h1 { font-size: 1.5rem; } header { padding-top: 1.4rem; }
  main, header, footer { padding-left: 1rem; padding-right: 1rem; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 0.5rem; }
  .tiles > div { padding: 0.6rem 0.7rem; } .tiles .value { font-size: 1.3rem; }
  table { font-size: 0.875rem; } th, td { padding: 0.3rem 0.55rem; }
}
@media print {
  body { font-size: 10.5pt; } main, header, footer { max-width: none; padding: 0; }
  nav, .readout { display: none; }
  h2, h3 { break-after: avoid; } figure, tr, .tiles > div { break-inside: avoid; }
  .scroll, .tokens, details > pre { overflow: visible; max-height: none; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  .tokens span, .legend span { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  a { color: inherit; text-decoration: none; }
}
"""
