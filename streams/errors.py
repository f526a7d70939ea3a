"""One tree of exceptions. Every message names the place, the field and the remedy."""


class FirstlineError(Exception):
    """Something a person can mend; the command line prints its message and no stack trace."""


class SourceError(FirstlineError):
    """An export of another system that cannot be converted."""


class PolicyError(FirstlineError):
    """A policy file that cannot be used."""
