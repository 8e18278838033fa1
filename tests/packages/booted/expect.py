"""What must be so, or else AssertionError."""


def equal(value, wanted, hint: str = "") -> None:
    if value != wanted:
        raise AssertionError(f"{value!r}\n    is not {wanted!r}\n{hint}")


def contains(text: str, part: str) -> None:
    if part not in text:
        raise AssertionError(f"{part!r} is not in:\n{text}")
