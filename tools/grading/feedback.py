"""The Markdown of a submission as HTML that is safe in a browser.

It shows text; it runs nothing and loads nothing.
"""

import re

import bleach
from nbconvert.filters import markdown2html

TEXT = "a abbr b br code del em i img kbd p pre s span strong sub sup u"
BLOCKS = "blockquote dd details div dl dt h1 h2 h3 h4 h5 h6 hr li ol summary ul"
TABLES = "table tbody td th thead tr"
TAGS = set(f"{TEXT} {BLOCKS} {TABLES}".split())
ATTRIBUTES = {
    "*": {"class", "id", "align", "colspan", "rowspan"},
    "a": {"href", "title"},
    "img": {"src", "alt"},
}
PROTOCOLS = {"http", "https", "mailto", "data"}
PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*")


def safe_html(source: str) -> str:
    """Markdown with HTML in it as HTML of harmless tags; other tags are shown as text."""
    return bleach.clean(markdown2html(source), tags=TAGS, attributes=_allowed, protocols=PROTOCOLS)


def _allowed(tag: str, name: str, value: str) -> bool:
    if tag == "img" and name == "src":  # a picture from elsewhere would tell who opened the page
        return PICTURE.fullmatch(value) is not None
    if name == "href" and value.strip().lower().startswith("data:"):
        return False
    return name in ATTRIBUTES["*"] or name in ATTRIBUTES.get(tag, ())
