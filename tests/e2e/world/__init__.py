"""A small Internet of its own for tlspolicyd: World makes it, DEMO says who lives there."""

from .domains import (COMPAT, DEMO, NOT_FOUND, TEMPORARY, TLSRPT, Domain, PolicyHost,
                      Question)
from .processes import Failed
from .world import World

__all__ = ["COMPAT", "DEMO", "NOT_FOUND", "TEMPORARY", "TLSRPT", "Domain", "Failed", "PolicyHost",
           "Question", "World"]
