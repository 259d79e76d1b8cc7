"""What all command lines share: one sentence for bad input, a clean end for Ctrl-C."""

import sys
from collections.abc import Callable

from speech.errors import InputError


def main(run: Callable[[], int | None]) -> None:
    """Run a command and exit: 0 when it went well, 2 after a sentence of bad input, 130 after Ctrl-C."""
    try:
        code = run() or 0
        sys.stdout.flush()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 141
    sys.exit(code)
