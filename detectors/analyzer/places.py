"""Places on the earth in degrees, where the text says that they are some."""

import re
from collections.abc import Iterator
from typing import Final

from detectors.analyzer.artifacts import Artifacts
from detectors.analyzer.context import BREAK, Context
from detectors.analyzer.recognizer import Recognizer, Result

_DEGREES: Final = r"[-+\u2212]?\d{1,3}\.\d{3,15}"
_PAIR = re.compile(rf"(?<![\w.,-])({_DEGREES})°? ?[NS]?(?:, ?|; ?| )({_DEGREES})°?(?: ?[EWO](?!\w))?(?![\w.])")
_MINUTES: Final = r"(?: ?\d{1,2}(?:\.\d{1,6})?['\u2032\u2019](?: ?\d{1,2}(?:\.\d{1,6})?(?:[\"\u2033\u201d]|''))?)?"
_SIGNED = re.compile(
    rf"(?<![\w.])\d{{1,2}}(?:\.\d{{1,8}})?°{_MINUTES} ?[NS],? ?\d{{1,3}}(?:\.\d{{1,8}})?°{_MINUTES} ?[EWO](?!\w)"
)
_NAMED = re.compile(
    rf"(?i)(?<![a-z])(?:lat(?:itude)?|lng|lon(?:gitude)?|breitengrad|längengrad|latitud|longitud)[\"'`]?"
    rf"[ \t]{{0,3}}[:=][ \t]{{0,3}}[\"'`]?({_DEGREES})(?![\w.])"
)
_WORDS = Context(
    "coordinates", "coords", "gps", "geo", "location", "located", "position", "lat", "latlng", "latitude", "longitude", "map",
    "maps", "koordinaten", "standort", "coordonnées", "coordenadas", "coordinate", "ubicación",
    "posizione", "координаты", "座標", "坐标",
)  # fmt: skip


class Coordinates(Recognizer):
    """Latitude and longitude: with their signs, by name, or as a pair of which a word says what it is."""

    def __init__(self) -> None:
        super().__init__("CoordinatesRecognizer", ["COORDINATES"])

    def found(self, artifacts: Artifacts) -> Iterator[Result]:
        """Yield the places."""
        text = artifacts.text
        if "°" in text:
            for match in _SIGNED.finditer(text):
                yield self.result("COORDINATES", *match.span(), 0.85)
        if not artifacts.places(_WORDS):
            return
        for match in _PAIR.finditer(text):
            within = abs(_number(match[1])) <= 90 and abs(_number(match[2])) <= 180
            if within and artifacts.before(_WORDS, match.start(), 40) and BREAK not in match[0]:
                yield self.result("COORDINATES", *match.span(), 0.8)
        for match in _NAMED.finditer(text):
            if abs(_number(match[1])) <= 180:
                yield self.result("COORDINATES", *match.span(1), 0.75)


def _number(text: str) -> float:
    return float(text.replace("\u2212", "-"))
