"""What stops a test before anything is asked."""

from io import StringIO

from proxy.cli.check import in_order, write_text
from proxy.resources.problem import Problem
from proxy.runtime.load import Candidate


class ConfigurationError(Exception):
    """The configuration has errors. The text is what `penstock check` prints."""

    __module__ = "proxy.testing"  # as it is imported, and as pytest shows it

    def __init__(self, text: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(text)
        self.problems = problems
        """All that was found, warnings included."""


def refuse_errors(candidate: Candidate) -> None:
    """Raises ConfigurationError when there is any."""
    __tracebackhide__ = True
    if candidate.errors:
        text = StringIO()
        write_text(in_order(candidate.problems), None, len(candidate.translation.resources), text)
        raise ConfigurationError(text.getvalue().rstrip(), candidate.problems)
