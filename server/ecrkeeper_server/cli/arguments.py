"""Arguments that several commands take."""

from __future__ import annotations

import argparse

from ecrkeeper_server.names import is_account


def account(text: str) -> str:
    """Return the id of an AWS account."""
    if not is_account(text):
        raise argparse.ArgumentTypeError(f"must be 12 digits, got {text!r}")
    return text
