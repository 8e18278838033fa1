"""The lines of the table."""

from dataclasses import dataclass


@dataclass
class Line:
    """One figure of the table. Without an aim it is there to be compared with."""

    figure: str
    value: float
    unit: str
    aim: float | None = None
    detail: str = ""  # what the value is made of

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return ""
        return "ok" if self.value <= self.aim else "short"


def delays(first: str, report: dict, aim_of_p99: float | None = None) -> list[Line]:
    """Three lines, of which `first` is the first's name."""
    return [
        Line(first, report["p50_us"] / 1000, "ms"),
        Line("  p99", report["p99_us"] / 1000, "ms", aim_of_p99),
        Line("  p99.9", report["p99_9_us"] / 1000, "ms"),
    ]
