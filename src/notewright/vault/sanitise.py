"""What may stand in a preview: a short list of tags and attributes, no script, no handler, no request that nobody asked for."""

from __future__ import annotations

import re
from collections.abc import Collection

_TAGS = frozenset(
    re.findall(
        r"\w+",
        """a abbr article aside b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption
        figure font footer h1 h2 h3 h4 h5 h6 header hr i img input ins kbd li main mark nav ol p pre q rp rt ruby s samp section small
        span strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr""",
    )
)
_DROPPED = frozenset(("script", "style", "iframe", "object", "embed", "noscript", "template", "textarea", "title", "select", "svg", "math"))
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"class", "dir", "lang", "title", "style", "align", "width", "height"},
    "a": {"href", "target", "id"},
    "img": {"src", "alt", "loading"},
    "li": {"id", "value"},
    "ol": {"start", "type"},
    "details": {"open"},
    "input": {"checked"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "time": {"datetime"},
}
_SCHEMES = frozenset(
    ("http", "https", "mailto", "obsidian", "zotero", "kindle", "ibooks", "calibre", "readwise", "readwisereader", "file", "data")
)
_STYLES = frozenset(
    re.findall(
        r"[\w-]+",
        """background background-color border border-radius color display float font-size font-style font-weight height line-height
        list-style-type margin margin-bottom margin-left margin-right margin-top max-height max-width min-width opacity padding
        text-align text-decoration text-indent vertical-align white-space width""",
    )
)
_UNSAFE_STYLE = re.compile(r"[\\@]|url|image|expression|import|var\s*\(|/\*", re.IGNORECASE)
# Obsidian's highlighters write `background` where they mean its colour; it may be nothing else here.
_OTHER_BACKGROUND = re.compile(
    r"background\s*:(?!\s*(?:#[0-9a-f]{3,8}|[a-z]+|(?:rgb|hsl)a?\([\d\s.,%/]+\))\s*(?:!important\s*)?(?:;|\Z))", re.IGNORECASE
)
_FOOTNOTE_ID = re.compile(r"fn(?:ref)?(?:-\d+-)?\d+(?::\d+)?\Z")
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=\s]+\Z")


def sanitise(html: str, *, own_sources: Collection[str] = (), remote_images: bool = False) -> str:
    """Safe HTML. `own_sources` are the picture URLs that the preview itself made; others need `remote_images`, or carry their data."""
    import nh3

    def allowed(tag: str, name: str, value: str) -> str | None:
        if name == "src":
            fine = value in own_sources or _PICTURE.match(value) or (remote_images and value.lower().startswith(("http://", "https://")))
            return value if fine else None
        if name == "href":
            scheme = re.sub(r"[\x00-\x20]", "", value).lower()  # which browsers pass over
            return None if scheme.startswith(("data:", "file:")) and value not in own_sources else value
        if name == "id":
            return value if _FOOTNOTE_ID.match(value) else None
        if name == "style":
            return None if _UNSAFE_STYLE.search(value) or _OTHER_BACKGROUND.search(value) else value
        if name == "target":
            return value if value == "_blank" else None
        return value

    return nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        attribute_filter=allowed,
        generic_attribute_prefixes={"data-"},
        set_tag_attribute_values={"input": {"type": "checkbox", "disabled": ""}},
        url_schemes=set(_SCHEMES),
        filter_style_properties=set(_STYLES),
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
