"""Text into HTML: the one door through which anything from a record reaches the page."""

import html
import re

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_DIRECTION = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def escape(value: object) -> str:
    """Any value as text that is safe inside an element and inside a quoted attribute.

    Characters that HTML forbids, and halves of surrogate pairs, become U+FFFD; marks that turn the direction of
    writing are spelled out, so that a record cannot rearrange the page.

    Examples:
        >>> escape('<b title="x">')
        '&lt;b title=&quot;x&quot;&gt;'
    """
    text = _UNPRINTABLE.sub("\ufffd", str(value))
    text = _DIRECTION.sub(lambda match: f"\u27e8U+{ord(match.group()):04X}\u27e9", text)
    return html.escape(text, quote=True)


def reveal(text: str) -> str:
    """The text of a token, escaped, with what cannot be seen made visible; line breaks still break lines.

    A text without characters becomes a middle dot.

    Examples:
        >>> reveal("a\\tb\\n")
        'a→\\tb↵\\n'
    """
    shown = "".join(_visible(character) for character in text)
    return escape(shown) if shown else "\u00b7"


def _visible(character: str) -> str:
    code = ord(character)
    if character == "\n":
        return "\u21b5\n"
    if character == "\t":
        return "\u2192\t"
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0x80 <= code < 0xA0:
        return f"\\x{code:02x}"
    return character


def slug(text: str) -> str:
    """The text as a lower-case name of letters, digits and hyphens, never empty: for identifiers in the page.

    Examples:
        >>> slug("Equal-Info [16, 256]")
        'equal-info-16-256'
    """
    return re.sub("[^a-z0-9]+", "-", text.lower()).strip("-") or "x"
