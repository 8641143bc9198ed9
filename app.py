"""The app: `python app.py` serves it on 127.0.0.1:7860; GRADIO_SERVER_NAME and GRADIO_SERVER_PORT change that."""

import logging
import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

if os.environ.get("SPACES_ZERO_GPU"):  # its library wants to be imported before Gradio is
    import ui.zero_gpu  # noqa: F401

from overread.images import MAX_FILE_BYTES
from overread.service import Service
from ui.page import FAVICON, STYLE, THEME, build
from ui.serving import app_options
from ui.temporary_files import keep_temporary_files_together
from ui.turns import MAX_WAITING, Turns


def main() -> None:
    """Check the models' files and serve until stopped; each net is loaded when it is first asked."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    keep_temporary_files_together()
    service = Service(lazy=True)
    turns = Turns()  # API, page and MCP tools share it: more sessions at once would only wait for the same cores
    build(service, turns).launch(
        theme=THEME,
        css=STYLE,
        favicon_path=FAVICON,
        max_file_size=MAX_FILE_BYTES,
        app_kwargs=app_options(service, turns),
        max_threads=2 * MAX_WAITING,  # requests in Gradio's hands at once; most of them wait for a link or their turn
        ssr_mode=False,
        footer_links=["api"],  # hidden; without it Gradio serves no API page, to which our footer leads
    )


if __name__ == "__main__":
    main()
