"""The one exception that means: the user can mend this."""


class SoftfixError(Exception):
    """A mistake in the input, told in one sentence that names the file, frame and value and what to do."""
