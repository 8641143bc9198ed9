"""The "how to use" of a model card, as code that tests run: in Python, and in JavaScript."""

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
filter = Image.Resampling[cfg["interpolation"].upper()]
image = Image.open("image.png").convert("RGB").resize(cfg["input_size"][:0:-1], filter)
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


TRANSFORMERS_JS = """\
import {{ AutoModel, load_image, Tensor }} from "@huggingface/transformers";

const model = await AutoModel.from_pretrained("{repository}", {{ dtype: "fp32" }});
// Resizing and normalisation as in training: neither a canvas nor sharp resizes like that.
const preprocess = await AutoModel.from_pretrained("{repository}", {{ dtype: "fp32", model_file_name: "preprocess" }});
const {{ data, width, height }} = (await load_image("image.png")).rgb();
const {{ pixel_values }} = await preprocess({{ image: new Tensor("uint8", data, [1, height, width, 3]) }});
const {{ logits, heatmap }} = await model({{ pixel_values }});
const [without, finding] = logits.tolist()[0];
console.log(1 / (1 + Math.exp(without - finding)), heatmap.dims);"""

TRANSFORMERS_JS_PIPELINE = """\
import {{ AutoConfig, pipeline }} from "@huggingface/transformers";

const loaded = await AutoConfig.from_pretrained("{repository}");
const config = {{ ...loaded, model_type: "resnet" }}; // Transformers.js 4.3 does not know "timm_wrapper"
const classify = await pipeline("image-classification", "{repository}", {{ config, dtype: "fp32" }});
console.log(await classify("image.png"));"""

ONNXRUNTIME_NODE = """\
import {{ InferenceSession, Tensor }} from "onnxruntime-node";
import sharp from "sharp";

const folder = "https://huggingface.co/{repository}/resolve/main/onnx";
const load = async (file) => InferenceSession.create(await (await fetch(`${{folder}}/${{file}}`)).arrayBuffer());
const preprocess = await load("preprocess.onnx");
const model = await load("model.onnx");
const image = sharp("image.png").flatten({{ background: "white" }}).toColourspace("srgb").raw();
const {{ data, info }} = await image.toBuffer({{ resolveWithObject: true }});
const pixels = {{ image: new Tensor("uint8", data, [1, info.height, info.width, 3]) }};
const {{ logits, heatmap }} = await model.run(await preprocess.run(pixels), ["logits", "heatmap"]);
console.log(1 / (1 + Math.exp(logits.data[0] - logits.data[1])), heatmap.dims);"""


def snippets(name: str, domain: str, is_ensemble: bool) -> dict[str, str]:
    """Return Python code by the library it shows; an ensemble's folder has no weights, so only the app runs it."""
    values = {"repository": f"{OWN_NAMESPACE}/{name}", "name": name, "endpoint": domain.replace("-", "_")}
    code = {"gradio_client": GRADIO_CLIENT}
    if not is_ensemble:
        code = {"transformers": TRANSFORMERS, "timm": TIMM, "onnxruntime": ONNXRUNTIME, **code}
    return {library: text.format(**values) for library, text in code.items()}


def javascript_snippets(name: str) -> dict[str, str]:
    """Return JavaScript code by the library it shows, for a single net."""
    code = {
        "Transformers.js, with the map": TRANSFORMERS_JS,
        "the pipeline of Transformers.js, whose resizing moves the answer": TRANSFORMERS_JS_PIPELINE,
        "onnxruntime-node": ONNXRUNTIME_NODE,
    }
    return {library: text.format(repository=f"{OWN_NAMESPACE}/{name}") for library, text in code.items()}
