"""``overread deploy web``: a built page becomes a static Space."""

from pathlib import Path

from huggingface_hub import metadata_load

from overread.deploy.web import web_folder


def test_the_built_page_is_isolated_so_that_it_may_have_threads(tmp_path: Path, checkout: Path) -> None:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html>")
    (built / "assets" / "worker.js").write_text("postMessage(1)")
    folder = web_folder(tmp_path / "space", built, checkout)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {"README.md", "LICENSE", "index.html", "assets/worker.js"}
    card = metadata_load(folder / "README.md") or {}
    assert card["sdk"] == "static" and card["app_file"] in names
    assert card["custom_headers"]["cross-origin-embedder-policy"] == "require-corp"
    assert len(card["short_description"]) <= 60  # the Hub's limit
