"""Draws the icons of the installed page from public/icon.svg, in Chromium: python -m web.draw_icons

Kept in git, so that a build needs no browser: run it when icon.svg changes.
"""

import re
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

PUBLIC = Path(__file__).parent / "public"
SVG = PUBLIC / "icon.svg"
# Of a maskable icon a platform may cut off all but the middle circle of 80 %; the rest must be filled.
MASKABLE_SHARE = 0.76
ICONS = {"icon-192.png": (192, 1.0), "icon-512.png": (512, 1.0), "icon-maskable-512.png": (512, MASKABLE_SHARE)}


def draw(folder: Path = PUBLIC) -> list[Path]:
    """Return the PNG files, written into a folder."""
    svg = SVG.read_text(encoding="utf-8")
    ground = re.search(r'<rect[^>]*fill="(#[0-9a-f]{6})"', svg)
    if ground is None:
        raise ValueError(f"{SVG.name} has no ground: its first shape must be a filled rectangle")
    browser_path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for name, (side, share) in ICONS.items():
            page = browser.new_page(viewport={"width": side, "height": side})
            background = ground[1] if share < 1 else "transparent"
            page.set_content(
                f"<style>body{{margin:0;display:grid;place-items:center;height:100vh;background:{background}}}"
                f"svg{{width:{100 * share}%}}</style>{svg}"
            )
            page.screenshot(path=folder / name, omit_background=True)
        browser.close()
    return [folder / name for name in ICONS]


if __name__ == "__main__":
    print(*draw(), sep="\n")
