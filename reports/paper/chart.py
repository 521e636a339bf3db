"""Bars on paper, told apart without colour: solid, dotted, hatched, outlined, or a dotted base."""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

from reportlab.lib.colors import Color, HexColor, white
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Flowable

from readings import charts
from ready.web import formats
from reports.paper import INK, LINE, MUTED, TEXT, WIDTH

# The light theme's colours of quantities (static/css/tokens.css).
COLOURS = {
    "energy": HexColor("#805600"),
    "volume": HexColor("#006a68"),
    "electricity": HexColor("#2f6d1f"),
}
_OUTDOOR = HexColor("#9d2a78")
_RIGHT = 30  # of an axis of temperatures
_LEFT, _BOTTOM, _TOP, _LEGEND = 46, 26, 8, 16
_STEPS = (1, 2, 5, 10)


def scale_of(highest: float) -> tuple[float, float]:
    """The axis' end and its step for a highest value: at most five steps of 1, 2 or 5 × 10ⁿ."""
    if highest <= 0:
        return 1.0, 1.0
    magnitude = 10.0 ** math.floor(math.log10(highest / 5))
    step = next(one * magnitude for one in _STEPS if highest <= 5 * one * magnitude)
    return math.ceil(highest / step) * step, step


def span_of(values: Sequence[float]) -> tuple[float, float, float]:
    """An axis for temperatures: its lower and upper end and its step, around all values."""
    low = min(values)
    high = max(*values, low + 1)
    _end, step = scale_of(high - low)
    return math.floor(low / step) * step, math.ceil(high / step) * step, step


class BarChart(Flowable):  # type: ignore[misc]
    """The bars of `readings.charts`, the year before and the outdoor temperature as lines, and the
    legend of what is there."""

    def __init__(
        self,
        bars: Sequence[charts.Bar],
        earlier: Sequence[charts.Bar | None],
        ticks: tuple[Sequence[int], Sequence[str]],
        colour: Color,
        unit: str,
        earlier_words: str,
        outdoor: Sequence[charts.Temperature] = (),
        outdoor_words: str = "",
        height: float = 190,
    ) -> None:
        super().__init__()
        self.bars, self.earlier, self.ticks = bars, earlier, ticks
        self.colour, self.unit, self.earlier_words = colour, unit, earlier_words
        self.width, self.height = WIDTH, height
        self.outdoor, self.outdoor_words = outdoor, outdoor_words
        warmths = [float(one.value) for one in outdoor if one.value]
        self.warmth = span_of(warmths) if warmths else None
        self.right = WIDTH - (_RIGHT if warmths else 0)
        # Geometry only: what is read as a number stands in the table, exact.
        values = [float(bar.value) for bar in bars if bar.value]
        values += [float(bar.value) for bar in earlier if bar is not None and bar.value]
        self.end, self.step = scale_of(max(values, default=0.0))

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        return self.width, self.height

    def _y(self, value: float) -> float:
        room = self.height - _BOTTOM - _TOP - _LEGEND
        return _BOTTOM + value / self.end * room

    def draw(self) -> None:
        self._axis()
        slot = (self.right - _LEFT) / max(1, len(self.bars))
        gap = slot * (0.15 if len(self.bars) <= 62 else 0.05) / 2
        for number, bar in enumerate(self.bars):
            x = _LEFT + number * slot
            if bar.value and float(bar.value) > 0:
                self._bar(bar.look, x + gap, slot - 2 * gap, self._y(float(bar.value)) - _BOTTOM)
            elif bar.look is charts.MISSING:
                self._missing(x, slot)
            if bar.marks:
                self._mark(x + slot / 2)
        self._before(slot)
        self._outdoors(slot)
        self._labels(slot)
        self._legend()

    def _axis(self) -> None:
        canvas = self.canv
        canvas.setFont(TEXT, 7)
        canvas.setLineWidth(0.4)
        places = max(0, -math.floor(math.log10(self.step)))
        count = round(self.end / self.step)
        for number in range(count + 1):
            value = number * self.step
            y = self._y(value)
            canvas.setStrokeColor(LINE)
            canvas.line(_LEFT, y, self.right, y)
            canvas.setFillColor(MUTED)
            text = formats.number(Fraction(f"{value:.{places}f}"), places)
            canvas.drawRightString(_LEFT - 5, y - 2.5, text)
        canvas.setFillColor(MUTED)
        canvas.drawString(0, self.height - _TOP - _LEGEND + 2, self.unit)
        canvas.setStrokeColor(MUTED)
        canvas.line(_LEFT, _BOTTOM, self.right, _BOTTOM)

    def _bar(self, look: charts.Look, x: float, width: float, height: float) -> None:
        canvas = self.canv
        canvas.saveState()
        canvas.setStrokeColor(self.colour)
        canvas.setFillColor(self.colour if look.filled else white)
        canvas.setLineWidth(0.8)
        canvas.rect(x, _BOTTOM, width, height, fill=1, stroke=0 if look.filled else 1)
        if look.pattern:
            path = canvas.beginPath()
            path.rect(x, _BOTTOM, width, height)
            canvas.clipPath(path, stroke=0)
            canvas.setStrokeColor(white)
            canvas.setFillColor(white)
            self._pattern(look.pattern, x, width, height)
        canvas.restoreState()

    def _pattern(self, kind: str, x: float, width: float, height: float) -> None:
        canvas = self.canv
        if kind == "/":
            canvas.setLineWidth(1.2)
            start = -height
            while start < width:
                canvas.line(x + start, _BOTTOM, x + start + height, _BOTTOM + height)
                start += 4
            return
        for row in range(int(height // 3) + 1):
            for column in range(int(width // 3) + 1):
                canvas.circle(x + 1.5 + column * 3, _BOTTOM + 1.5 + row * 3, 0.55, stroke=0, fill=1)

    def _missing(self, x: float, width: float) -> None:
        canvas = self.canv
        canvas.saveState()
        canvas.setStrokeColor(MUTED)
        canvas.setDash(1, 1.5)
        canvas.setLineWidth(1.6)
        canvas.line(x, _BOTTOM + 0.8, x + width, _BOTTOM + 0.8)
        canvas.restoreState()

    def _mark(self, x: float) -> None:
        path = self.canv.beginPath()
        path.moveTo(x, _BOTTOM - 3.5)
        for dx, dy in ((3.5, 0), (0, 3.5), (-3.5, 0)):
            path.lineTo(x + dx, _BOTTOM + dy)
        path.close()
        self.canv.setFillColor(INK)
        self.canv.drawPath(path, stroke=0, fill=1)

    def _before(self, slot: float) -> None:
        canvas = self.canv
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.9)
        for number, bar in enumerate(self.earlier):
            if bar is not None and bar.value:
                y = self._y(float(bar.value))
                canvas.line(_LEFT + number * slot, y, _LEFT + (number + 1) * slot, y)

    def _outdoors(self, slot: float) -> None:
        """The line on a wider white one, with its axis to the right; it breaks off where nothing
        is known, and a value between two gaps is a dot."""
        if self.warmth is None:
            return
        low, high, step = self.warmth
        room = self.height - _BOTTOM - _TOP - _LEGEND
        canvas = self.canv

        def height_of(value: float) -> float:
            return _BOTTOM + (value - low) / (high - low) * room

        places = [
            (_LEFT + (number + 0.5) * slot, height_of(float(one.value))) if one.value else None
            for number, one in enumerate(self.outdoor)
        ]
        canvas.saveState()
        canvas.setLineJoin(1)
        canvas.setFillColor(_OUTDOOR)
        for colour, width in ((white, 3.2), (_OUTDOOR, 1.3)):
            canvas.setStrokeColor(colour)
            canvas.setLineWidth(width)
            for before, here in pairwise(places):
                if before and here:
                    canvas.line(*before, *here)
        for before, here, after in zip([None, *places], places, [*places[1:], None], strict=False):
            if here and not before and not after:
                canvas.circle(*here, 1.4, stroke=0, fill=1)
        canvas.setFont(TEXT, 7)
        for number in range(round((high - low) / step) + 1):
            value = Fraction(f"{low + number * step:.2f}")
            text = formats.number(value, 0 if step >= 1 else 1)
            canvas.drawString(self.right + 5, height_of(float(value)) - 2.5, text)
        canvas.drawRightString(self.width, self.height - _TOP - _LEGEND + 2, "°C")
        canvas.restoreState()

    def _labels(self, slot: float) -> None:
        canvas = self.canv
        canvas.setFont(TEXT, 7)
        canvas.setFillColor(MUTED)
        for number, text in zip(*self.ticks, strict=True):
            for line, part in enumerate(text.split("<br>")):
                x = _LEFT + (number + 0.5) * slot
                canvas.drawCentredString(x, _BOTTOM - 10 - line * 8.5, part)

    def _legend(self) -> None:
        canvas = self.canv
        looks = [one for one in (*charts.LOOKS, charts.MISSING) if self._has(one)]
        x, y = float(_LEFT), self.height - 9
        canvas.setFont(TEXT, 7)
        for look in looks:
            canvas.saveState()
            canvas.translate(0, y - _BOTTOM)
            if look is charts.MISSING:
                self._missing(x, 8)
            else:
                self._bar(look, x, 8, 7)
            canvas.restoreState()
            x = self._words(str(look.words), x + 11, y)
        if any(bar is not None for bar in self.earlier):
            canvas.setStrokeColor(INK)
            canvas.line(x, y + 3, x + 9, y + 3)
            x = self._words(self.earlier_words, x + 12, y)
        if self.warmth is not None:
            canvas.setStrokeColor(_OUTDOOR)
            canvas.setLineWidth(1.3)
            canvas.line(x, y + 3, x + 9, y + 3)
            self._words(self.outdoor_words, x + 12, y)

    def _has(self, look: charts.Look) -> bool:
        return any(bar.look is look for bar in self.bars)

    def _words(self, words: str, x: float, y: float) -> float:
        self.canv.setFillColor(INK)
        self.canv.setFont(TEXT, 7)
        self.canv.drawString(x, y + 0.5, words)
        return x + float(stringWidth(words, TEXT, 7)) + 14
