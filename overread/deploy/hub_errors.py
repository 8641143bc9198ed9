"""What the Hub refuses, in one sentence that says what to do."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError  # type: ignore[attr-defined]

from overread.errors import OverreadError

HOW_TO_LOG_IN = (
    "log in with `hf auth login`, or set HF_TOKEN to a token with write access (https://huggingface.co/settings/tokens)"
)
NEEDS_A_PLAN = (
    "a Gradio Space on a CPU needs a paid plan there; without one, `--zero-gpu` makes a free ZeroGPU Space and "
    "`overread deploy web` a free static one"
)


class HubRefusedError(OverreadError):
    """The Hub did not take what was sent."""


def logged_in_api() -> HfApi:
    """Return a client with a token.

    Raises:
        HubRefusedError: if there is no token.
    """
    if get_token() is None:
        raise HubRefusedError(f"There is no token for the Hub: {HOW_TO_LOG_IN}.")
    return HfApi()


@contextmanager
def one_sentence(repository: str) -> Iterator[None]:
    """Turn what goes wrong while a repository is written into one sentence.

    Raises:
        HubRefusedError: the Hub refused or was out of reach.
    """
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status == 401:
            raise HubRefusedError(f"The Hub does not accept the token: {HOW_TO_LOG_IN}.") from error
        if status == 402:
            raise HubRefusedError(f"The Hub asks for payment for {repository}: {NEEDS_A_PLAN}.") from error
        if status == 403:
            raise HubRefusedError(f"The token has no right to write {repository}: {HOW_TO_LOG_IN}.") from error
        said = " ".join((error.server_message or "no reason given").split()).rstrip(".")
        raise HubRefusedError(f"The Hub refused {repository} with status {status}: {said}.") from error
    except HFValidationError as error:
        raise HubRefusedError(f"{repository} is no valid name of a Hub repository.") from error
    except (HTTPError, OSError, RuntimeError, json.JSONDecodeError) as error:  # RuntimeError: hf_xet's, which uploads
        raise HubRefusedError(
            f"The Hub cannot be reached, or broke off while {repository} was uploaded ({type(error).__name__}): "
            "check the connection and try again, which goes on where it stopped."
        ) from error
    except ValueError as error:  # the client's, when the Hub finds fault with the card's metadata
        raise HubRefusedError(f"The Hub refused {repository}: {' '.join(str(error).split())}") from error
