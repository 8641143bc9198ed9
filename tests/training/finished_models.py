"""Model folders as training, export and evaluation leave them, small enough to push in a test."""

import json
from pathlib import Path

from overread.model_folder import CONFIG_FILE, ONNX_FILE, sha256_of

CARD = "---\nlicense: apache-2.0\npipeline_tag: image-classification\nbase_model: NAMESPACE/other\n---\n\n# tiny\n"


def finish(folder: Path) -> Path:
    """Add the files of a finished model beside config.json and the ONNX file; pin the folder in its catalogue.json."""
    catalogue_file = folder.parent / "catalogue.json"
    for file in ("model.safetensors", "preprocessor_config.json"):
        if not (folder / file).exists():
            (folder / file).write_text("{}")
    (folder / "README.md").write_text(CARD)
    (folder / "roc.png").write_bytes(b"a figure")
    (folder / "evaluation.json").write_text(json.dumps({"sha256": sha256_of(folder / ONNX_FILE)}))
    content = json.loads(catalogue_file.read_text()) if catalogue_file.exists() else {"namespace": None, "models": {}}
    pinned = {file: sha256_of(folder / file) for file in (CONFIG_FILE, ONNX_FILE)}
    content["models"][folder.name] = {"domain": "histopathology", "revision": "main", "sha256": pinned}
    catalogue_file.write_text(json.dumps(content))
    return folder
