"""The "how to use" of a model card, as code that tests run: transformers, timm, onnxruntime and gradio_client."""

from overread.deploy.models import OWN_NAMESPACE

TRANSFORMERS = """\
from transformers import pipeline

classify = pipeline("image-classification", model="{repository}")
print(classify("image.png"))"""

TIMM = """\
import timm
from PIL import Image

model = timm.create_model("hf_hub:{repository}", pretrained=True).eval()
config = timm.data.resolve_model_data_config(model)
preprocess = timm.data.create_transform(**config, is_training=False)
image = Image.open("image.png").convert("RGB")
print(model(preprocess(image)[None]).softmax(-1)[0, 1].item())"""

ONNXRUNTIME = """\
import json

import numpy as np
import onnxruntime
from huggingface_hub import snapshot_download
from PIL import Image

folder = snapshot_download("{repository}")
cfg = json.load(open(f"{{folder}}/config.json"))["pretrained_cfg"]
image = Image.open("image.png").convert("RGB").resize(cfg["input_size"][:0:-1], Image.BICUBIC)
pixels = (np.asarray(image, np.float32) / 255 - cfg["mean"]) / cfg["std"]  # (H, W, 3)
session = onnxruntime.InferenceSession(f"{{folder}}/onnx/model.onnx")
pixel_values = pixels.transpose(2, 0, 1)[None].astype(np.float32)  # (1, 3, H, W)
logits, heatmap = session.run(["logits", "heatmap"], {{"pixel_values": pixel_values}})
print(1 / (1 + np.exp(logits[0, 0] - logits[0, 1])), heatmap.shape)"""

GRADIO_CLIENT = """\
from gradio_client import Client, handle_file

client = Client("http://127.0.0.1:7860")  # or the Space's name
answer, overlay = client.predict(handle_file("image.png"), model="{name}", api_name="/{endpoint}")
print(answer["probability"], answer["decision"], overlay)"""


def snippets(name: str, domain: str, is_ensemble: bool) -> dict[str, str]:
    """Return Python code by the library it shows; an ensemble's folder has no weights, so only the app runs it."""
    values = {"repository": f"{OWN_NAMESPACE}/{name}", "name": name, "endpoint": domain.replace("-", "_")}
    code = {"gradio_client": GRADIO_CLIENT}
    if not is_ensemble:
        code = {"transformers": TRANSFORMERS, "timm": TIMM, "onnxruntime": ONNXRUNTIME, **code}
    return {library: text.format(**values) for library, text in code.items()}
