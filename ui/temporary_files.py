"""One folder for every temporary file of the app, deleted when the app ends, whatever it is doing then."""

import atexit
import os
import signal
import tempfile
from pathlib import Path


def keep_temporary_files_together() -> None:
    """Make the folder that uploads, answers and slides lie in from now on; it is deleted when the process ends.

    Must be called before the page is built, in the main thread. SIGTERM, which ends services and containers, then ends
    the app as ctrl-C does.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = os.environ.get("GRADIO_TEMP_DIR")
    if wanted:
        Path(wanted).mkdir(parents=True, exist_ok=True)
    folder = tempfile.TemporaryDirectory(prefix="overread-", dir=wanted, ignore_cleanup_errors=True)
    atexit.register(folder.cleanup)  # after the threads that may still write into it
    tempfile.tempdir = folder.name
    uploads = Path(folder.name) / "gradio"  # apart, since what lies in there can be asked for by its path
    uploads.mkdir()
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
