"""The "how to use" of a model card, as code that tests run: transformers, onnxruntime and gradio_client."""

from training.recipes.ensembles import EnsembleRecipe
from training.recipes.nets import Recipe

TRANSFORMERS = """\
from transformers import pipeline

classify = pipeline("image-classification", model="{repository}")
print(classify("picture.png"))"""

ONNXRUNTIME = """\
import json

import numpy as np
import onnxruntime
from huggingface_hub import snapshot_download
from PIL import Image

folder = snapshot_download("{repository}")
cfg = json.load(open(f"{{folder}}/config.json"))["pretrained_cfg"]
picture = Image.open("picture.png").convert("RGB").resize(cfg["input_size"][:0:-1], Image.BICUBIC)
pixels = (np.asarray(picture, np.float32) / 255 - cfg["mean"]) / cfg["std"]  # (H, W, 3)
session = onnxruntime.InferenceSession(f"{{folder}}/onnx/model.onnx")
pixel_values = pixels.transpose(2, 0, 1)[None].astype(np.float32)  # (1, 3, H, W)
logits, heatmap = session.run(["logits", "heatmap"], {{"pixel_values": pixel_values}})
print(1 / (1 + np.exp(logits[0, 0] - logits[0, 1])), heatmap.shape)"""

GRADIO_CLIENT = """\
from gradio_client import Client, handle_file

client = Client("http://127.0.0.1:7860")  # or the Space's name
answer, overlay = client.predict(handle_file("picture.png"), model="{name}", api_name="/{endpoint}")
print(answer["probability"], answer["decision"], overlay)"""

OWN_NAMESPACE = "NAMESPACE"  # what a reader replaces with the account the model was pushed to


def snippets(recipe: Recipe | EnsembleRecipe) -> dict[str, str]:
    """Return the Python code by the library it shows; an ensemble has only the app's: it has no file of its own."""
    values = {
        "repository": f"{OWN_NAMESPACE}/{recipe.name}",
        "name": recipe.name,
        "endpoint": recipe.source.domain.replace("-", "_"),
    }
    code = {"gradio_client": GRADIO_CLIENT}
    if isinstance(recipe, Recipe):
        code = {"transformers": TRANSFORMERS, "onnxruntime": ONNXRUNTIME, **code}
    return {library: text.format(**values) for library, text in code.items()}


def how_to_use(recipe: Recipe | EnsembleRecipe) -> list[str]:
    """Return the card's section."""
    blocks = ["## How to use"]
    for library, code in snippets(recipe).items():
        blocks += [f"With {library}:", f"```python\n{code}\n```"]
    return blocks
