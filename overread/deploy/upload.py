"""Uploads a folder to a Space, which is created where it is missing."""

from pathlib import Path
from typing import Literal

from overread.deploy.hub_errors import HubRefusedError, logged_in_api, one_sentence

SDK = Literal["gradio", "static"]


def upload_space(space: str, folder: Path, sdk: SDK, hardware: str | None = None, private: bool = False) -> str:
    """Return the address of the Space, with the files of the folder and no others.

    Args:
        space: its name, ``OWNER/NAME``.
        folder: with the README.md that configures the Space.
        sdk: what runs it.
        hardware: of a new Space; that of an existing one stays.
        private: make a new Space private; else it has the owner's default.

    Raises:
        HubRefusedError: the Hub refused or was out of reach.
    """
    api = logged_in_api()
    with one_sentence(space):
        account = api.whoami()
        owners = [account["name"], *(owner["name"] for owner in account["orgs"])]
        if space.split("/")[0] not in owners:
            raise HubRefusedError(f"Your token may write Spaces of {', '.join(owners)}, and {space} is not theirs.")
        url = api.create_repo(
            space,
            repo_type="space",
            space_sdk=sdk,
            space_hardware=hardware,  # type: ignore[arg-type]  # the client's enumeration lags behind the Hub's
            private=private or None,
            exist_ok=True,
        )
        api.upload_folder(
            repo_id=space, repo_type="space", folder_path=folder, delete_patterns="*", commit_message="Deploy Overread"
        )
    return str(url)
