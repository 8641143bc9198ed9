"""The one GPU function that ZeroGPU demands of a Space: nothing calls it, so no visitor's quota is used.

ONNX runs on the CPU. Imported before Gradio, and only on ZeroGPU (``SPACES_ZERO_GPU`` is set there): `spaces` is in the
requirements of such a Space alone, see ``overread/deploy/space.py``.
"""

import spaces


@spaces.GPU(duration=1)  # type: ignore[untyped-decorator]
def never_called() -> None:
    """Ask for a GPU for a second, if anybody called it."""
