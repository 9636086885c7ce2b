"""The one kind of failure that ends a benchmark; its text is shown to the user."""


class BenchError(Exception):
    """The benchmark cannot go on; the text says why, in one line or with the end of a console."""
