"""The About tab: the text of about.md around what the evaluation script measured."""

from pathlib import Path

from overread.evaluation import summary_table

ABOUT = Path(__file__).with_name("about.md")


def about_markdown() -> str:
    """Return the page, with the table of test figures in the place of ``{figures}``."""
    return ABOUT.read_text(encoding="utf-8").replace("{figures}", summary_table())
