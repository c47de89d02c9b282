"""Which private interfaces of libraries are used: those of versions that were tested, and no others.

A module that relies on a library's internals asks here first. Any other version gets the library's public
interface and a warning, so that no pin keeps out a security fix. `TEST_PUBLIC_INTERFACES` in the environment turns
private paths off: those of the libraries that it names, separated by commas, or all of them if it is `1`. It is for
tests and benchmarks, and no setting of the server.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

SWITCH = "TEST_PUBLIC_INTERFACES"


@dataclass(frozen=True, slots=True)
class PrivateInterface:
    """Internals of a library, and the versions `MAJOR.MINOR` with which they were tested.

    `cost` says what a server without them lacks.
    """

    library: str
    version: str
    tested: tuple[str, ...]
    cost: str

    @property
    def usable(self) -> bool:
        """Whether the installed version was tested, and nobody asked for public interfaces."""
        return not self._switched_off and ".".join(self.version.split(".")[:2]) in self.tested

    def choose(self) -> bool:
        """Return whether to use the internals; log a warning if the version is the reason not to."""
        if not self.usable and not self._switched_off:
            # Imported here: the models of botocore are read before structlog may be loaded (see `logs`).
            import structlog

            structlog.get_logger("ecrkeeper.private_interfaces").warning(
                "public_interface_used",
                library=self.library,
                version=self.version,
                tested=", ".join(self.tested),
                cost=self.cost,
            )
        return self.usable

    @property
    def _switched_off(self) -> bool:
        named = os.environ.get(SWITCH, "").split(",")
        return "1" in named or self.library in named
