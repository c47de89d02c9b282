"""The command `ecrkeeper`: says what is missing before it imports anything else."""

# This module has to run on any Python 3, to say which one is needed.
import sys


def main(arguments=None, version=None):  # type: ignore[no-untyped-def]
    """Run the command line; the exit status is 1 without what it needs."""
    if (version or sys.version_info[:2]) < (3, 11):
        running = ".".join(str(each) for each in version or sys.version_info[:2])
        sys.stderr.write("ecrkeeper: needs Python 3.11 or newer, this is %s (%s)\n" % (running, sys.executable))  # noqa: UP031
        return 1
    try:
        import click  # noqa: F401
        import yaml  # noqa: F401
    except ImportError as error:
        text = "ecrkeeper: the command line is not installed (no %s); install it with: pip install 'ecrkeeper[cli]'\n"
        sys.stderr.write(text % error.name)
        return 1
    from ecrkeeper_cli.main import run

    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())  # type: ignore[no-untyped-call]
