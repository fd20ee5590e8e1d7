"""The SVG of matplotlib made small and fit for a page: text as text, colours as variables."""

from __future__ import annotations

import re
from html import escape
from itertools import groupby
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from caviar.analysis.figures.palette import VARIABLES

SERIES = "series:"
"""What the id of an artist begins with that belongs to the series named after it."""

HREF = "{http://www.w3.org/1999/xlink}href"
NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
POINTS = re.compile(r"(?<=[\d ]) +(?=[-\d])|\s+")
LETTERS = re.compile(r" ?([A-Za-z]) ?")
REFERENCE = re.compile(r"(?<=#)\w+")
DEFAULTS = {
    "font-size": {"10px"},
    "stroke-width": {"1"},
    "stroke-dashoffset": {"0"},
    "stroke-linejoin": {"miter", "round"},
    "stroke-linecap": {"square"},
    "text-anchor": {"start"},
    "font-weight": {"400"},
}
"""What the style of the page sets for every figure, or what looks the same on a screen."""
PAINTS = ("fill", "stroke")


def panels_of(svg: bytes, prefix: str) -> dict[str, str]:
    """The markup within each group of a figure that holds axes, by its id.

    Every id that is referred to begins with `prefix`, so that figures share a page. Clip paths
    are given under the key `""`.
    """
    root = ElementTree.fromstring(svg)
    figure = next(part for part in root if _tag(part) == "g")
    clips = [part for part in root if _tag(part) == "defs" and _tag(part[0]) == "clipPath"]
    panels = {group.get("id", ""): _inner(group, prefix) for group in figure}
    return {"": "".join(_markup(part, prefix) for part in clips), **panels}


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _markup(element: Element, prefix: str) -> str:
    """An element and what it holds; groups that say nothing are left out."""
    tag, attributes = _tag(element), _attributes(element, prefix)
    if tag == "path" and not attributes.get("d"):
        return ""
    text = escape(element.text) if tag == "text" and element.text else ""
    return _written(tag, attributes, text + _inner(element, prefix))


def _inner(element: Element, prefix: str) -> str:
    """What an element holds; paths in a row that look the same become one."""
    parts: list[str] = []
    children = [(_tag(child), _attributes(child, prefix), child) for child in element]
    for (tag, look), group in groupby(children, key=lambda child: (child[0], _look(child[1]))):
        alike = list(group)
        if tag == "path" and len(alike) > 1 and "id" not in look:
            joined = "".join(attributes.get("d", "") for _, attributes, _ in alike)
            parts.append(_written(tag, {"d": joined, **look}, ""))
        elif tag == "use" and len(alike) > 1:
            places = ({k: v for k, v in one.items() if k not in look} for _, one, _ in alike)
            parts.append(_written("g", look, "".join(_written(tag, one, "") for one in places)))
        else:
            parts += [_markup(child, prefix) for _, _, child in alike]
    return "".join(parts)


PLACES = {"d", "x", "y", "href", "transform"}


def _look(attributes: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if name not in PLACES}


def _written(tag: str, attributes: dict[str, str], inner: str) -> str:
    if tag == "g" and not (inner and attributes):
        return inner
    written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<{tag}{written}>{inner}</{tag}>" if inner else f"<{tag}{written}/>"


def _attributes(element: Element, prefix: str) -> dict[str, str]:
    tag, kept = _tag(element), {}
    for name, value in element.attrib.items():
        if name == HREF:
            kept["href"] = REFERENCE.sub(lambda name: prefix + name[0], value)
        elif name == "id":
            kept |= _named(tag, value, prefix)
        elif name == "clip-path":
            kept[name] = REFERENCE.sub(lambda name: prefix + name[0], value)
        elif name == "d":
            kept[name] = LETTERS.sub(r"\1", _rounded(value))
        elif name != "style":
            kept[name] = _rounded(value)
    if kept.get("transform", "").startswith("rotate(0 "):
        del kept["transform"]
    return kept | _painted(element.get("style", ""))


def _named(tag: str, name: str, prefix: str) -> dict[str, str]:
    """The id of what is referred to; that of a series becomes data; others go."""
    if tag in ("path", "clipPath"):
        return {"id": prefix + name}
    return {"data-s": name.removeprefix(SERIES)} if name.startswith(SERIES) else {}


def _rounded(value: str) -> str:
    """Numbers with one decimal: a tenth of a point is a seventh of a pixel."""
    if value.startswith("data:"):
        return value
    short = NUMBER.sub(lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), value)
    return POINTS.sub(" ", short.replace("-0 ", "0 ")).strip().replace(" z", "z")


def _painted(style: str) -> dict[str, str]:
    """A style as attributes, without what every figure has."""
    parts = (part.partition(":") for part in style.split(";") if part.strip())
    read = {name.strip(): value.strip() for name, _, value in parts}
    kept = {}
    for name, value in read.items():
        if name == "font-family" or value in DEFAULTS.get(name, ()):
            continue
        kept[name] = _colour(value) if name in PAINTS else _rounded(value)
    return kept


def _colour(value: str) -> str:
    return VARIABLES.get(value.lower(), value)
