"""The one error that is the user's to mend."""


class InputError(ValueError):
    """Bad input. Its message is one sentence: what is wrong, where, and what would be right.

    Command lines print it without a traceback and exit with status 2 (`speech.command.main`).
    """
