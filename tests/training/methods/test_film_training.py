"""Stages on films of two hospitals, with a net and films that take seconds."""

import dataclasses
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.two_hospitals import write_two_hospitals
from training.measure.training_record import read_record
from training.methods import film_training
from training.methods.evidence_distillation import EvidenceTeacher, evidence_teacher, map_distance
from training.methods.film_batches import FilmBatch
from training.methods.film_training import Answers, FilmNet, losses
from training.methods.torch_model import build_model
from training.recipes.nets import RECIPES
from training.recipes.recipe import Films, Recipe, Stage
from training.train import train

STAGE = Stage(
    64,
    epochs=1.0,
    learning_rate=2e-3,
    augmentation="chest-xray-two-hospitals",
    random_stride_offset=True,
    weight_averaging=True,
    films=Films(frozen=("conv1",)),
)
RECIPE = dataclasses.replace(
    RECIPES["chest-xray-efficientnet-lite0"],
    architecture="resnet18",
    stages=(STAGE,),
    export_size=64,
    batch_size=8,
    pretrained=None,
    batch_norm_images=64,
)
PLAIN = Films(half_mosaics=0.0, quarter_mosaics=0.0)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_two_hospitals(tmp_path_factory.mktemp("films")))


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def film_net(settings: Films, teacher: EvidenceTeacher | None = None, stage: Stage = STAGE) -> FilmNet:
    model = build_model(RECIPE, stage.size, stage.output_stride)
    return FilmNet(RECIPE, stage, settings, model, teacher)


def batch(twice: bool = False) -> FilmBatch:
    return FilmBatch(torch.randn(8, 3, 64, 64), torch.ones(8, 64, 64), torch.rand(8), twice)


def test_a_plain_batch_gets_the_nets_own_log_odds() -> None:
    net = film_net(PLAIN)
    net.net.eval()
    shown = batch()
    answers = net.answers(shown)
    with torch.no_grad():
        logits = net.net(shown.pixels)
    torch.testing.assert_close(answers.log_odds[:, 0], logits[:, 1] - logits[:, 0], atol=1e-4, rtol=1e-4)
    assert torch.equal(answers.targets[:, 0], shown.targets)


def test_each_half_of_a_mosaic_answers_for_its_own_label() -> None:
    shown = batch()
    answers = film_net(Films(half_mosaics=1.0)).answers(shown)
    assert answers.log_odds.shape == answers.targets.shape == (8, 2)
    assert torch.equal(answers.targets[:, 0], shown.targets)
    assert sorted(answers.targets[:, 1].tolist()) == sorted(shown.targets.tolist())


def test_quarters_of_a_mosaic_keep_the_order_of_the_films() -> None:
    shown = batch()
    answers = film_net(Films(half_mosaics=0.0, quarter_mosaics=1.0)).answers(shown)
    assert answers.log_odds.shape == (8, 1) and answers.evidence.shape == (8, 2, 2)
    assert torch.equal(answers.targets[:, 0], shown.targets)


def test_films_seen_twice_form_the_same_mosaics_twice() -> None:
    shown = batch(twice=True)
    shown.targets[4:] = shown.targets[:4]
    answers = film_net(Films(half_mosaics=1.0)).answers(shown)
    assert torch.equal(*answers.targets.chunk(2))


def test_the_offset_is_drawn_anew_for_every_batch() -> None:
    net = film_net(PLAIN)
    seen = set()
    for _ in range(30):
        net.answers(batch())
        seen.add(next(iter(net.offsets.offsets.values())))
    assert seen == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_frozen_modules_get_no_gradient_and_keep_their_statistics() -> None:
    net = film_net(Films(frozen=("conv1",)))
    before = {name: value.clone() for name, value in net.net.conv1.state_dict().items()}
    losses(net.answers(batch()), STAGE, PLAIN, twice=False)["label"].backward()
    assert all(weight.grad is None for weight in net.net.conv1.parameters())
    assert any(weight.grad is not None for weight in net.net.layer1.parameters())
    assert all(torch.equal(before[name], value) for name, value in net.net.conv1.state_dict().items())


def test_two_answers_about_one_film_are_pulled_together() -> None:
    zeros = torch.zeros(4, 2, 2)
    answers = Answers(torch.tensor([[1.0], [2.0], [1.0], [4.0]]), torch.ones(4, 1), zeros, zeros + 1)
    found = losses(answers, STAGE, Films(consistency=0.5, logit_penalty=0.1), twice=True)
    assert found["consistency"].item() == pytest.approx(0.5 * (0 + 4) / 2)
    assert found["logit"].item() == pytest.approx(0.1 * (1 + 4 + 1 + 16) / 4)
    assert "map" not in found


def test_a_net_that_is_its_own_teacher_has_nothing_to_learn_from_the_map(tmp_path: Path) -> None:
    stage = dataclasses.replace(STAGE, output_stride=16, teacher="teacher", teacher_share=1.0)
    model = build_model(RECIPE, 64, 16)
    model.save_pretrained(tmp_path / "teacher" / "final")
    student = FilmNet(RECIPE, stage, PLAIN, model, evidence_teacher(RECIPE, stage, tmp_path))
    student.net.eval()
    answers = student.answers(batch())
    assert answers.teacher_evidence is not None and answers.teacher_log_odds is not None
    torch.testing.assert_close(answers.teacher_evidence, answers.evidence, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(answers.teacher_log_odds, answers.log_odds, atol=1e-4, rtol=1e-4)
    assert map_distance(answers.evidence, answers.teacher_evidence).item() < 1e-4


def test_a_recipe_of_films_is_trained_resumed_and_recorded(
    films: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_training, "CHECKPOINT_STEPS", 2)
    whole = load_file(train(RECIPE, tmp_path / "whole", films) / "model.safetensors")

    class Interrupted(Exception):
        pass

    def fail(*_: object) -> None:
        raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(film_training, "copy_average", fail)
        with pytest.raises(Interrupted):
            train(RECIPE, tmp_path / "again", films)
    again = train(RECIPE, tmp_path / "again", films)
    assert all(
        torch.allclose(value, whole[name], atol=1e-5) for name, value in load_file(again / "model.safetensors").items()
    )
    record = read_record(again)
    assert record.stages[0].averaged and record.stages[0].images_seen % 8 == 0
    assert record.stages[0].films and record.stages[0].films["frozen"] == ["conv1"]
    assert "nih-chest-xray-sample" in record.notes[0]


def test_the_recipes_of_both_chest_nets_end_on_films() -> None:
    for name in ("chest-xray-efficientnet-lite0", "chest-xray-xception"):
        recipe: Recipe = RECIPES[name]
        net = build_model(recipe, 64, 32).timm_model
        films = recipe.stages[-1].films
        assert films and films.frozen and all(net.get_submodule(module) is not None for module in films.frozen)
