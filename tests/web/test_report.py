"""The report that the page makes: one file, in the words of the app's, on one sheet of paper."""

import re
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from overread.catalogue import Domain, catalogue
from overread.reported_figures import on_test_split
from tests.web.comparison import default_net
from tests.web.visiting import ask, open_tab
from ui import report_words
from ui.domains import DOMAINS
from ui.examples import example_of, examples
from ui.verdict import Context, percent


def saved_report(page: Page, panel: object) -> str:
    with page.expect_download() as download:
        page.locator(".save-report:visible").click()
    assert download.value.suggested_filename.endswith(".report.html")
    return Path(download.value.path()).read_text(encoding="utf-8")


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_report_says_what_the_apps_pdf_says(visitor: Page, address: str, browser: Browser, domain: Domain) -> None:
    panel, classifier = open_tab(visitor, address, domain), default_net(domain)
    example = examples(domain)[1]
    ask(panel, example.path)
    html = saved_report(visitor, panel)
    prediction = classifier.predict(example.path)
    context = Context(
        classifier.config, DOMAINS[domain], on_test_split(classifier.identity.name), example_of(prediction.image_sha256)
    )
    said = " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
    evidence = f"= {prediction.log_odds:+.2f}"
    for text in [
        report_words.TITLE,
        report_words.PROBABILITY.format(finding=prediction.finding, percent=percent(prediction.probability)),
        report_words.legend(prediction.finding, classifier.config),
        *(text for text in report_words.paragraphs(prediction, context) if evidence not in text),
        *report_words.identity(prediction, "")[:-1],
    ]:
        assert text in said, text
    assert re.search(r"Evidence in log-odds: [+]\d+\.\d\d for, -\d+\.\d\d against", said)
    assert "http" not in html.replace(example.source, "") and html.count("data:image/jpeg") == 2
    page = browser.new_page()
    page.set_content(html)
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") == 1
    page.close()


def test_an_ensembles_report_names_its_members(visitor: Page, address: str) -> None:
    panel = open_tab(visitor, address, "histopathology")
    ensemble = next(entry for entry in catalogue().values() if entry.members and entry.domain == "histopathology")
    panel.locator(".model").select_option(ensemble.name)
    ask(panel, examples("histopathology")[0].path)
    html = saved_report(visitor, panel)
    assert "Members of the ensemble, each on its own: " in html and all(name in html for name in ensemble.members)
