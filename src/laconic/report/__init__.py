"""Records to figures: one self-contained HTML page that opens offline and reads without JavaScript.

`laconic.report.page.write_report(records, path)` is the one function other rooms need; `laconic.report.schema` says which
keys of a record the page draws. Everything else here is a pure function from data to a string of HTML or SVG.
"""
