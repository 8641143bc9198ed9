"""Uploads a folder to a repository of the Hub, which is created where it is missing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import HfApi

from overread.deploy.hub_errors import HubRefusedError, logged_in_api, one_sentence

Kind = Literal["model", "dataset", "space"]
SDK = Literal["gradio", "static"]


@dataclass(frozen=True)
class Uploaded:
    """Where a folder is now: the repository's address and the commit (40 hexadecimal digits) that holds the folder."""

    url: str
    commit: str


def upload(
    api: HfApi,
    repository: str,
    folder: Path,
    message: str,
    kind: Kind = "model",
    private: bool = False,
    delete: str | None = None,
    **new: Any,
) -> Uploaded:
    """Return where on the Hub the folder is, having uploaded what is not there yet.

    Args:
        api: the client, with a token that may write there.
        repository: its name, ``OWNER/NAME``.
        folder: its files.
        message: of the commit.
        kind: of the repository.
        private: make a new repository private; else it has the owner's default.
        delete: which files of the repository that are not in the folder are deleted, as a pattern; default: none.
        new: what ``HfApi.create_repo`` takes for a new repository.

    Raises:
        HubRefusedError: the Hub refused or was out of reach, or the repository should be private and is public.
    """
    with one_sentence(repository):
        url = api.create_repo(repository, repo_type=kind, private=private or None, exist_ok=True, **new)
        if private and not api.repo_info(repository, repo_type=kind).private:
            raise HubRefusedError(f"{repository} is public already: make it private there, or leave out --private.")
        commit = api.upload_folder(
            repo_id=repository, repo_type=kind, folder_path=folder, commit_message=message, delete_patterns=delete
        )
    return Uploaded(str(url), commit.oid)


def upload_space(space: str, folder: Path, sdk: SDK, hardware: str | None = None, private: bool = False) -> str:
    """Return the address of the Space, with the files of the folder and no others.

    Args:
        space: its name, ``OWNER/NAME``.
        folder: with the README.md that configures the Space.
        sdk: what runs it.
        hardware: of a new Space; that of an existing one stays.
        private: see ``upload``.

    Raises:
        HubRefusedError: see ``upload``; or the Space would be somebody else's.
    """
    api = logged_in_api()
    with one_sentence(space):
        account = api.whoami()
    owners = [account["name"], *(owner["name"] for owner in account["orgs"])]
    if space.split("/")[0] not in owners:
        raise HubRefusedError(f"Your token may write Spaces of {', '.join(owners)}, and {space} is not theirs.")
    new = {"space_sdk": sdk, "space_hardware": hardware}
    return upload(api, space, folder, "Deploy Overread", "space", private, delete="*", **new).url
