"""The exit codes of the ``overread`` command."""

from collections import Counter

EXIT_ALL_ANSWERED = 0
EXIT_OUR_FAULT = 1
EXIT_BAD_INPUT = 2
EXIT_REFUSED = 3
EXIT_STOPPED = 130  # as shells report a command that was ended with Ctrl+C
EXIT_CODES = f"""exit codes:
  {EXIT_ALL_ANSWERED}  every image was answered
  {EXIT_OUR_FAULT}  the fault is not in the input: a model cannot be loaded, or a bug
  {EXIT_BAD_INPUT}  wrong usage, or an image could not be read; the other images are answered
  {EXIT_REFUSED}  every image could be read, but not each is of the kind that the model reads; the others are answered
     (--answer-anyway answers these too)"""


def exit_code(kinds: Counter[str]) -> int:
    """Return the exit code for how many images there were of each ``overread.stack.outcome.Kind``."""
    if kinds["failed"]:
        return EXIT_OUR_FAULT
    if kinds["unreadable"]:
        return EXIT_BAD_INPUT
    return EXIT_REFUSED if kinds["refused"] else EXIT_ALL_ANSWERED
