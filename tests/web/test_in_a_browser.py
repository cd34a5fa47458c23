"""The pages as a browser shows them. It runs where Node 20 and Chromium are installed; `.ci/run` installs both."""

from __future__ import annotations

import shutil

import pytest

from service.template_files import TEMPLATES
from tests.builders import NOW
from tests.screenshots import SCHEMES, TOOLS, browse
from tests.web.conftest import LINKS, Web, agents, the_link

needs_node = pytest.mark.skipif(
    not (TOOLS / "node_modules").is_dir() or shutil.which("node") is None, reason="needs Node 20 and `npm ci` in tests/tools"
)


@pytest.mark.slow
@needs_node
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
def test_axe_finds_nothing_and_nothing_sticks_out_of_any_page_on_a_phone_light_or_dark(web: Web) -> None:
    web.gather(*(agents(f"2610.{number:05d}") for number in range(25)))
    web.now = NOW.replace(hour=8)
    web.wake()
    web.post(LINKS.mark("2610.00001", "more"))
    web.post(f"{LINKS.settings}/account")
    answers = {
        "settings": web.get(LINKS.settings),
        "pause": web.get(LINKS.pause),
        "a pause that is no day": web.post(LINKS.pause, until="never"),
        "unsubscribe": web.get(LINKS.unsubscribe),
        "mark": web.get(LINKS.mark("2610.00001", "more")),
        "marked": web.post(LINKS.mark("2610.00001", "save")),
        "digest": web.get(LINKS.web),
        "account": web.get(the_link(web.wake()[0])),
        "nothing": web.get("/"),
    }
    style = f"<style>{(TEMPLATES / 'web' / 'style.css').read_text()}</style>"
    views = [(name, scheme) for name in answers for scheme in SCHEMES]
    pages = {name: answer.text.replace('<link rel="stylesheet" href="/style.css">', style) for name, answer in answers.items()}
    jobs = [{"html": pages[name], "width": 320, "scheme": scheme} for name, scheme in views]
    found = dict(zip(views, browse(jobs), strict=True))
    assert {view: answer["sideways"] for view, answer in found.items() if answer["sideways"] > 0} == {}
    assert {view: answer["violations"] for view, answer in found.items() if answer["violations"]} == {}
