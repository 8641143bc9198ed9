"""The Parquet files of a data set on the Hugging Face Hub, at one commit."""

import re
from collections.abc import Iterable

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

from overread.score.parquet_source import HUB
from overread.score.source import SourceError

CONVERTED = "refs/convert/parquet"  # where the Hub keeps Parquet files of data sets that come in another format


def hub_files(name: str, split: str | None) -> list[str]:
    """Return the addresses of a data set's Parquet files in alphabetical order, at the commit that is newest now.

    Args:
        name: OWNER/NAME.
        split: such as "test"; default: all.

    Raises:
        SourceError: the Hub has no such data set, cannot be reached, or has no Parquet files of it.
    """
    try:
        revision, files = _at(name, None)
        if not files:
            revision, files = _at(name, CONVERTED)
    except RevisionNotFoundError:
        files = []
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise SourceError(
            f"There is no file or folder {name}, and no data set of that name on the Hub that can be read from here."
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise SourceError(f"The data set {name} cannot be read from the Hub ({type(error).__name__}).") from error
    if not files:
        raise SourceError(f"The Hub has no Parquet files of the data set {name}: download it and name the folder.")
    chosen = of_split(files, split)
    return [f"{HUB}datasets/{name}@{revision}/{file}" for file in chosen]


def of_split(files: Iterable[str], split: str | None) -> list[str]:
    """Return the files of a split: ``test-00000-of-00001.parquet``, or in a folder ``test/``.

    Raises:
        SourceError: there are none.
    """
    found = sorted(files)
    pattern = re.compile(rf"(^|/){re.escape(split or '')}[-_./]")
    chosen = [file for file in found if split is None or pattern.search(file)]
    if not chosen:
        raise SourceError(f"There is no file of the split {split!r} among {', '.join(found[:5])}.")
    return chosen


def _at(name: str, revision: str | None) -> tuple[str, list[str]]:
    info = HfApi().dataset_info(name, revision=revision)
    names = [file.rfilename for file in info.siblings or ()]
    return str(info.sha), [file for file in names if file.endswith(".parquet")]
