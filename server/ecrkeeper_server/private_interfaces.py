"""The choice between private and public interfaces of libraries.

A module uses a library's internals only with the versions that were tested. With any other version,
it uses the public interface and logs a warning, so that no pin keeps out a security fix.
`TEST_PUBLIC_INTERFACES` in the environment disables private paths: those of the named libraries,
separated by commas, or all of them if it is `1`. It is for tests and benchmarks, not a setting of
the server.
"""

from __future__ import annotations

import os

from msgspec import Struct

SWITCH = "TEST_PUBLIC_INTERFACES"


class PrivateInterface(Struct, frozen=True):
    """The internals of a library, and the tested versions as `MAJOR.MINOR`.

    `cost` describes the disadvantage of the public interface.
    """

    library: str
    version: str
    tested: tuple[str, ...]
    cost: str

    @property
    def usable(self) -> bool:
        """Whether the installed version was tested, and private interfaces are enabled."""
        return not self._switched_off and ".".join(self.version.split(".")[:2]) in self.tested

    def choose(self) -> bool:
        """Return whether to use the internals; log a warning for an untested version."""
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
