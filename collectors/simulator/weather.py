"""One weather for the whole town, in whole numbers: what heat, sun and season do hour by hour."""

from array import array

from collectors.simulator.seeded import draw

YEAR_H = 8766  # 365.25 days: the seasons' period in hours
_COLDEST_H = 600  # about 25 January


def cosine(position: int, period: int) -> int:
    """cos(2π·position/period) in thousandths, in whole numbers only.

    Bhaskara I's rational approximation, right to 0.002: the same on every machine.
    """
    degrees = (position * 360 // period + 90) % 360
    sign, arc = (1, degrees) if degrees < 180 else (-1, degrees - 180)
    product = arc * (180 - arc)
    return sign * 4000 * product // (40_500 - product)


class Weather:
    """Outdoor temperature and sun of a place that a seed invents.

    `hourly[h]` is the temperature of hour h in 0.01 °C, `daily[d]` the mean of day d; both grow
    on demand by `reach`, and each hour depends on its number only.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.hourly: array[int] = array("q")
        self.daily: array[int] = array("q")
        self.sun: array[int] = array("q")  # thousandths of a clear midsummer noon
        self._knots: dict[tuple[int, int], int] = {}

    def _knot(self, spacing: int, number: int, size: int) -> int:
        found = self._knots.get((spacing, number))
        if found is None:
            found = draw(self.seed, "weather", spacing, number) % (2 * size + 1) - size
            self._knots[spacing, number] = found
        return found

    def _noise(self, hour: int, spacing: int, size: int) -> int:
        number, past = divmod(hour, spacing)
        before = self._knot(spacing, number, size)
        after = self._knot(spacing, number + 1, size)
        return (before * (spacing - past) + after * past) // spacing

    def reach(self, hour: int) -> None:
        """Make every hour before `hour` known (rounded up to whole days)."""
        for day in range(len(self.daily), -(-hour // 24)):
            season = cosine(day * 24 - _COLDEST_H, YEAR_H)  # 1000 in the coldest week
            fronts = self._noise(day * 24, 96, 480)
            cloud = 300 + (self._knot(24, day, 300) + 300)  # 300 (overcast) to 900
            swing = (120 + (1000 - season) * 220 // 1000) * cloud // 600
            temperatures = []
            for hour_of_day in range(24):
                hour_number = day * 24 + hour_of_day
                wave = swing * cosine(hour_of_day - 14, 24) // 1000
                small = self._noise(hour_number, 7, 90)
                temperatures.append(830 - 840 * season // 1000 + fronts + wave + small)
                height = cosine(hour_of_day - 11, 24) - 180 - season * 420 // 1000
                self.sun.append(max(0, height) * cloud // 1420)
            self.hourly.extend(temperatures)
            self.daily.append(sum(temperatures) // 24)
