"""The matrix of the Postfix tests: what became of each mail, releases side by side."""

FAILED, SKIPPED = "FAILED", "skipped"

_rows: dict[str, dict[str, str]] = {}


def record(row: str, column: str, text: str) -> None:
    _rows.setdefault(row, {})[column] = text


def lines() -> list[str]:
    """The table, or nothing if nothing was recorded."""
    columns = sorted({column for cells in _rows.values() for column in cells})
    table = [["", *columns]] + [[row, *(cells.get(column, "-") for column in columns)]
                                for row, cells in _rows.items()]
    if len(table) == 1:
        return []
    widths = [max(len(row[n]) for row in table) for n in range(len(columns) + 1)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in table]
    return [text[0], "-" * max(map(len, text)), *text[1:]]
