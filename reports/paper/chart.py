"""Bars on paper, told apart without colour: solid, dotted, hatched, outlined, or a dotted base."""

import math
from collections.abc import Sequence
from fractions import Fraction

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
_LEFT, _BOTTOM, _TOP, _LEGEND = 46, 26, 8, 16
_STEPS = (1, 2, 5, 10)


def scale_of(highest: float) -> tuple[float, float]:
    """The axis' end and its step for a highest value: at most five steps of 1, 2 or 5 × 10ⁿ."""
    if highest <= 0:
        return 1.0, 1.0
    magnitude = 10.0 ** math.floor(math.log10(highest / 5))
    step = next(one * magnitude for one in _STEPS if highest <= 5 * one * magnitude)
    return math.ceil(highest / step) * step, step


class BarChart(Flowable):  # type: ignore[misc]
    """The bars of `readings.charts`, the year before as a line, and the legend of what is there."""

    def __init__(
        self,
        bars: Sequence[charts.Bar],
        earlier: Sequence[charts.Bar | None],
        ticks: tuple[Sequence[int], Sequence[str]],
        colour: Color,
        unit: str,
        earlier_words: str,
        height: float = 190,
    ) -> None:
        super().__init__()
        self.bars, self.earlier, self.ticks = bars, earlier, ticks
        self.colour, self.unit, self.earlier_words = colour, unit, earlier_words
        self.width, self.height = WIDTH, height
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
        slot = (self.width - _LEFT) / max(1, len(self.bars))
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
            canvas.line(_LEFT, y, self.width, y)
            canvas.setFillColor(MUTED)
            text = formats.number(Fraction(f"{value:.{places}f}"), places)
            canvas.drawRightString(_LEFT - 5, y - 2.5, text)
        canvas.setFillColor(MUTED)
        canvas.drawString(0, self.height - _TOP - _LEGEND + 2, self.unit)
        canvas.setStrokeColor(MUTED)
        canvas.line(_LEFT, _BOTTOM, self.width, _BOTTOM)

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
            self._words(self.earlier_words, x + 12, y)

    def _has(self, look: charts.Look) -> bool:
        return any(bar.look is look for bar in self.bars)

    def _words(self, words: str, x: float, y: float) -> float:
        self.canv.setFillColor(INK)
        self.canv.setFont(TEXT, 7)
        self.canv.drawString(x, y + 0.5, words)
        return x + float(stringWidth(words, TEXT, 7)) + 14
