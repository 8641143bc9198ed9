"""One loaded model: images in, predictions out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from PIL import Image

from overread.catalogue import Domain, lung_net, namespace, resolve
from overread.ensemble import Ensemble
from overread.errors import ModelFolderError, RefusedImageError, UnknownScaleError
from overread.evidence import Evidence
from overread.guard import Verdict
from overread.guard_file import read_guard
from overread.heatmap_drawing import Drawing
from overread.hub import ModelSource, locate
from overread.images import DecodedImage, ImageSource, decode
from overread.lungs import LungNet, SeenLungs, lungs_of
from overread.model_folder import CONFIG_FILE, ONNX_FILE, ModelConfig, read_config, sha256_of
from overread.net import Net
from overread.patches import patch_of
from overread.prediction import Milliseconds, ModelIdentity, Prediction
from overread.probability import sigmoid
from overread.reading import decide, members_disagree, read
from overread.session import OnnxSession

BATCH_SIZE = 16
UNGUARDED = "Nothing checks what kind of image this is: any image gets an answer."


def load(
    name: str, threads: int | None = None, loaded: Mapping[str, "Classifier"] | None = None, lazy: bool = False
) -> "Classifier":
    """Return the catalogue's model of that name, or the default of that domain, ready to predict.

    Args:
        name: one of ``overread.names()``, or a domain such as "chest-xray".
        threads: for one inference (default: ``overread.session.default_threads()``).
        loaded: models in memory, by name: an ensemble takes its members from there, all of a domain share a lung net.
        lazy: check the files now, and load each net when it is first used.

    Raises:
        UnknownModelError: if the catalogue has no such model.
        ModelFolderError: if neither the Hub nor this installation has its files as the catalogue pins them.
    """
    chosen = resolve(name)
    members = [(loaded or {}).get(member) or load(member, threads, lazy=lazy) for member in chosen.members]
    lungs = _lung_net(chosen.domain, threads, [*members, *(loaded or {}).values()])
    return Classifier(locate(chosen, namespace()), threads=threads, members=members, lung_net=lungs, lazy=lazy)


def _lung_net(domain: Domain, threads: int | None, loaded: Sequence["Classifier"]) -> LungNet | None:
    """Return the lung net of a domain, from a model in memory where one has it; None where there is none."""
    if not (chosen := lung_net(domain)):
        return None
    found = (one.lung_net for one in loaded if one.lung_net and one.lung_net.name == chosen.name)
    return next(found, None) or LungNet(locate(chosen, namespace()), threads)


@dataclass(frozen=True)
class _Admitted:
    """An image that may be answered, with what the guard says about it and the milliseconds that both took."""

    image: DecodedImage
    verdict: Verdict | None
    lungs: SeenLungs | None
    decode_ms: float
    guard_ms: float


class Classifier:
    """A model folder with its ONNX session, or an ensemble of such; safe to use from several threads."""

    def __init__(
        self,
        source: ModelSource | Path | str,
        *,
        threads: int | None = None,
        members: Sequence["Classifier"] = (),
        lung_net: LungNet | None = None,
        lazy: bool = False,
    ) -> None:
        """Load a model folder: ``config.json`` and ``onnx/model.onnx``, or an ensemble's ``config.json``.

        A ``guard.npz`` in the folder decides which images are answered.

        Args:
            source: a folder, or a ``ModelSource`` that also says what to call it and where it comes from.
            threads: for one inference (default: ``overread.session.default_threads()``).
            members: an ensemble's members, loaded (default: the folders of those names beside this one).
            lung_net: finds the lungs in each image; without one, predictions say nothing about lungs.
            lazy: load the ONNX file when it is first used.

        Raises:
            ModelFolderError: if the folder is incomplete or breaks the ONNX contract, or if a member is another one
                than the ensemble was calibrated with.
        """
        if not isinstance(source, ModelSource):
            source = ModelSource(Path(source), Path(source).name)
        self.folder = folder = source.folder
        self.config: ModelConfig = read_config(folder)
        settings = self.config.ensemble
        digest = sha256_of(folder / (CONFIG_FILE if settings else ONNX_FILE))
        self.identity = ModelIdentity(source.name, source.revision, digest, source.origin)
        self.note = source.note
        self.guard = read_guard(folder)
        self.lung_net = lung_net
        self._net: Net | Ensemble
        if settings:
            members = members or [Classifier(folder.parent / name, threads=threads) for name in settings.members]
            self._net = Ensemble(_nets_in_order(source.name, settings.members, members), settings)
        else:
            self._net = Net(OnnxSession(folder / ONNX_FILE, threads, lazy), self.config.preprocessing)

    @property
    def net(self) -> Net:
        """The one net of a model that is no ensemble.

        Raises:
            ModelFolderError: if it is an ensemble, which cannot be a member of another.
        """
        if isinstance(self._net, Ensemble):
            raise ModelFolderError(f"{self.identity.name} is an ensemble: it cannot be a member of another one.")
        return self._net

    def warm_up(self) -> None:
        """Run once on an empty image, so that the first request does not wait for onnxruntime's memory allocation."""
        self.evidence([Image.new("RGB", (self.config.preprocessing.width, self.config.preprocessing.height))])

    def evidence(self, images: Sequence[Image.Image]) -> Evidence:
        """Return log-odds and signed maps of RGB images, without decoding, decision or drawing."""
        return self._net.evidence(images)

    def predict(
        self,
        image: ImageSource,
        operating_point: str | None = None,
        smooth: bool = True,
        answer_anyway: bool = False,
        *,
        mpp: float | None = None,
        squash: bool = False,
    ) -> Prediction:
        """Return the answer for one image.

        Args:
            image: a path, bytes, a binary file object, a PIL image or a uint8 array; see ``overread.images.decode``.
            operating_point: the name of the threshold that decides (default: the model's own choice).
            smooth: interpolate the drawn heat map; else the overlay shows the model's own grid.
            answer_anyway: answer also where the guard refuses the image; the notes then say so.
            mpp: um/px of the image, for a model of patches (default: what the file says); see ``overread.patches``.
            squash: take the whole image for one patch, whatever its size and scale.

        Raises:
            RefusedImageError: the image is not of the kind that the model reads; no net has run.
            UnknownScaleError, LargerThanPatchError: the model reads patches, and the image is none.
            InputError: another subclass for each cause, in the image or the operating point.
        """
        return self.predict_batch([image], operating_point, smooth, answer_anyway, mpp=mpp, squash=squash)[0]

    def predict_batch(
        self,
        images: Sequence[ImageSource],
        operating_point: str | None = None,
        smooth: bool = True,
        answer_anyway: bool = False,
        *,
        mpp: float | None = None,
        squash: bool = False,
    ) -> list[Prediction]:
        """Return one answer per image, in order; arguments and errors as for ``predict``.

        One unreadable or refused image fails the whole batch. To skip such images, call ``predict`` for each.
        """
        self.config.operating_point(operating_point)  # raises for a wrong name before anything is decoded
        predictions: list[Prediction] = []
        for start in range(0, len(images), BATCH_SIZE):
            chunk = [self._admit(image, answer_anyway, mpp, squash) for image in images[start : start + BATCH_SIZE]]
            found = self.evidence([admitted.image.picture for admitted in chunk])
            predictions += [
                self._answer(admitted, found, row, operating_point, smooth) for row, admitted in enumerate(chunk)
            ]
        return predictions

    def as_read(
        self, source: ImageSource, answer_anyway: bool = False, mpp: float | None = None, squash: bool = False
    ) -> tuple[Image.Image, Verdict | None]:
        """Return the image that the model reads, in RGB or L, and the guard's verdict on it; see ``predict``."""
        admitted = self._admit(source, answer_anyway, mpp, squash)
        return admitted.image.picture, admitted.verdict

    def _admit(self, source: ImageSource, answer_anyway: bool, mpp: float | None, squash: bool) -> _Admitted:
        """Return the decoded image, of a field the patch that is read, with the guard's verdict.

        Raises:
            RefusedImageError: the guard refuses the image, and no answer is wanted in that case.
        """
        started = perf_counter()
        image = decode(source, keep_grey=self.config.region is None)
        decode_ms, started = _ms_since(started), perf_counter()
        if region := self.config.region:
            try:
                image = patch_of(image, region, mpp, squash)
            except UnknownScaleError:
                verdict = self._judged(image, answer_anyway)  # of a photograph nobody has to say the scale
                if not verdict or verdict.outcome != "refused":
                    raise
                image = patch_of(image, region, squash=True)  # it is no patch, and is wanted answered anyway
        lungs = SeenLungs(self.lung_net, image.picture) if self.lung_net else None
        verdict = self._judged(image, answer_anyway, lungs)
        return _Admitted(image, verdict, lungs, decode_ms, _ms_since(started))

    def _judged(self, image: DecodedImage, answer_anyway: bool, lungs: SeenLungs | None = None) -> Verdict | None:
        verdict = self.guard.judge(image.picture, image.tags, lungs) if self.guard else None
        if verdict and verdict.outcome == "refused" and not answer_anyway:
            raise RefusedImageError(verdict.refusal, verdict)
        return verdict

    def _answer(
        self, admitted: _Admitted, found: Evidence, row: int, operating_point: str | None, smooth: bool
    ) -> Prediction:
        image, verdict = admitted.image, admitted.verdict
        config, point = self.config, self.config.operating_point(operating_point)
        points = config.operating_points
        batch, heatmap = len(found.log_odds), found.heatmap[row]
        probability = float(sigmoid(found.log_odds[row]))
        members = {name: float(sigmoid(log_odds[row])) for name, log_odds in found.members.items()}
        started = perf_counter()
        lungs = lungs_of(admitted.lungs.probability, heatmap) if admitted.lungs else None
        lungs_ms = _ms_since(started)
        centre = config.region.labelled_centre_px / config.region.patch_px if config.region else None
        outline = lungs.outline if lungs else ()
        return Prediction(
            finding=config.finding,
            probability=probability,
            probabilities={config.labels[0]: 1 - probability, config.labels[1]: probability},
            members=members,
            log_odds=float(found.log_odds[row]),
            reading=read(probability, config.finding, points),
            members_disagree=members_disagree(members, point.threshold),
            positive=probability >= point.threshold,
            decision=decide(probability, point, config.labels, points),
            operating_point=point,
            heatmap=heatmap,
            heatmap_bias=config.heatmap.bias,
            lungs=lungs,
            drawing=Drawing(image.picture, heatmap, config.heatmap.scale, smooth, centre, outline),
            guard=verdict,
            notes=(
                *((verdict.warning,) if verdict and verdict.warning else ()),
                *image.notes,
                *(() if verdict else (UNGUARDED,)),
            ),
            model=self.identity,
            computed_in=Milliseconds(
                decode=admitted.decode_ms,
                guard=admitted.guard_ms,
                lungs=lungs_ms,
                preprocess=found.preprocess_ms / batch,
                inference=found.inference_ms / batch,
            ),
            image_sha256=image.sha256,
            image_sha256_of=image.sha256_of,
        )


def _nets_in_order(name: str, wanted: Mapping[str, str], members: Sequence[Classifier]) -> list[Net]:
    """Return the members' nets in the order of ``wanted``, which maps their names to digests."""
    loaded = {member.identity.name: member for member in members}
    for member, digest in wanted.items():
        if member not in loaded or loaded[member].identity.sha256 != digest:
            raise ModelFolderError(f"{name} was calibrated with another {member} than the one that is here.")
    return [loaded[member].net for member in wanted]


def _ms_since(started: float) -> float:
    return (perf_counter() - started) * 1000
