"""The evaluation as a data set on the Hub, and a collection of all that belongs together."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from huggingface_hub import DatasetCard, DatasetCardData, HfApi

from overread.deploy.hub_errors import one_sentence
from overread.deploy.upload import upload
from overread.reported_figures import EVALUATION_FILE

PREDICTIONS_FILE = "predictions.csv"
DATA_SET = "overread-evaluation"
TITLE = "Overread: a second reading of medical images"
CARD = """\
{front_matter}

# Evaluation of the Overread models

One configuration per model: its calibrated log-odds for every image of its validation and test data, as measured. From
these every figure of the model cards is computed; `{evaluation}` beside each table holds the figures.

```python
from datasets import load_dataset

table = load_dataset("{repository}", "{first}")["train"].to_pandas()  # split, row, label, log_odds
```

`split` names the part of the model's data set, which the model's card names, `row` the image's number in it, `label` is
1 for the finding. The data hold no image and no name. For research and education only.
"""


def push_evaluation(names: Sequence[str], namespace: str, api: HfApi, models: Path, private: bool = False) -> str:
    """Return the address of the data set ``<namespace>/overread-evaluation``, which is created where it is missing.

    Args:
        names: of the models.
        namespace: a user or an organisation.
        api: the client, with a token that may write there.
        models: the folder of model folders.
        private: see ``overread.deploy.upload.upload``.

    Raises:
        HubRefusedError: likewise.
    """
    repository = f"{namespace}/{DATA_SET}"
    measured = [name for name in names if (models / name / PREDICTIONS_FILE).is_file()]
    front_matter = DatasetCardData(
        license="cc-by-4.0",
        pretty_name="Evaluation of the Overread models",
        tags=["medical", "evaluation"],
        configs=[{"config_name": name, "data_files": f"{name}/{PREDICTIONS_FILE}"} for name in measured],
    )
    with TemporaryDirectory() as made:
        folder = Path(made)
        for name in measured:
            (folder / name).mkdir()
            for file in (PREDICTIONS_FILE, EVALUATION_FILE):
                shutil.copy(models / name / file, folder / name / file)
        text = CARD.format(
            front_matter=f"---\n{front_matter.to_yaml()}\n---",
            repository=repository,
            first=measured[0],
            evaluation=EVALUATION_FILE,
        )
        DatasetCard(text).save(folder / "README.md")
        return upload(api, repository, folder, "Push the evaluation", "dataset", private).url


def push_collection(
    names: Sequence[str], namespace: str, api: HfApi, private: bool = False, with_evaluation: bool = False
) -> str:
    """Return the address of the collection of the models, and of their evaluation.

    A collection of that title is added to; models that are in it stay.

    Raises:
        HubRefusedError: the Hub refused or was out of reach.
    """
    with one_sentence(f"the collection of {namespace}"):
        collection = api.create_collection(
            TITLE,
            namespace=namespace,
            description="ONNX models with their evidence inside; for research and education only.",
            private=private,
            exists_ok=True,
        )
        for name in names:
            api.add_collection_item(collection.slug, f"{namespace}/{name}", "model", exists_ok=True)
        if with_evaluation:
            api.add_collection_item(collection.slug, f"{namespace}/{DATA_SET}", "dataset", exists_ok=True)
    return collection.url
