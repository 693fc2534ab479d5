"""Tests the dashboard in a real Chromium, against a running demo with traffic.

BINARY is the program, AXE the file of axe-core, ARTEFACTS the folder for screenshots. Nothing is mocked: the server is a separate process,
and its configuration is a file that is edited while it runs.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

BINARY, AXE, ARTEFACTS = (Path(os.environ[name]) for name in ("BINARY", "AXE", "ARTEFACTS"))
ADMIN_KEY = "demo-admin-key-00000000000"
CLIENT_KEYS = ["demo-client-key-0000000000", *(f"demo-client-key-{digit * 10}" for digit in "123")]
BIRDS = "heron-0000 kestrel-00 lark-00000 merlin-000 osprey-000 plover-000 robin-minute-0 swift-0000 teal-today-0 wren-invalid"
GEMINI_KEYS = [f"demo-gemini-key-{bird}" for bird in BIRDS.split()]
SCREENS = ["overview", "keys", "requests", "latency", "config", "plugins", "playground", "usage"]
SETTINGS = '[models]\ndefault = "gemini-flash-latest"\n[models.aliases]\n"gpt-4o" = "gemini-pro-latest"\n"gpt-*" = "gemini-flash-latest"\n"text-embedding-*" = "gemini-embedding-001"\n'

# Runs in every page before its own scripts.
WATCH = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


class Demo:
    """A running demo server."""

    def __init__(self, folder, *arguments):
        self.config = folder / "config.toml"
        self.config.write_text(SETTINGS)
        command = [BINARY, "demo", "--listen", "127.0.0.1:0", "--config", self.config, "--env-file", folder / "absent", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder, env={"PATH": os.environ["PATH"]})
        for line in self.process.stderr:
            if found := re.search(r"(http://\S+)/admin/", line):
                self.url = found[1]
                break

    def ask(self, path, method="GET", body=None, key=ADMIN_KEY):
        request = urllib.request.Request(self.url + path, method=method, data=body, headers={"authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.read().decode()

    def eventually(self, holds):
        for _ in range(600):
            if found := holds():
                return found
            time.sleep(0.1)
        raise AssertionError("not within a minute")


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    demo = Demo(tmp_path_factory.mktemp("traffic"), "--traffic")
    retried = lambda: [r for r in json.loads(demo.ask("/admin/requests"))["over"] if r["attempts"] > 1 and r["status"] == 200]
    demo.eventually(lambda: retried() and len(json.loads(demo.ask("/admin/requests"))["over"]) > 60)
    yield demo
    demo.process.terminate()


@pytest.fixture
def visit(browser, request):
    """Opens pages and records their errors; any error fails the test when it ends."""
    contexts, wrong = [], []

    def open_page(url, key=ADMIN_KEY, theme="light", width=1360, language="en", expected=None):
        context = browser.new_context(
            viewport={"width": width, "height": 860}, color_scheme=theme, locale={"en": "en-GB", "zh": "zh-CN"}[language], accept_downloads=True
        )
        contexts.append(context)
        context.add_init_script(WATCH)
        page = context.new_page()
        # Chromium itself logs a line for each response with an error status.
        told = lambda message: message.type in ("error", "warning") and not (expected and expected in message.text)
        page.on("console", lambda message: wrong.append(message.text) if told(message) else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(url + "/admin/")
        if key:
            page.fill("#admin-key", key)
            page.keyboard.press("Enter")
            page.wait_for_selector(".frame")
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            wrong += page.evaluate("window.violations")
        context.close()
    assert not wrong, "\n".join(wrong)


def sound(page, name):
    """Takes a screenshot, and requires that axe finds no violations."""
    page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)
    # Not with a script element, which the page's content security policy blocks.
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    told = [f"{v['id']}: {v['help']}: {n['html'][:160]} {n['failureSummary'][:200]}" for v in found for n in v["nodes"][:3]]
    assert not told, f"{name}\n" + "\n".join(told)


def go(page, screen):
    page.evaluate(f"location.hash = '#/{screen}'")
    expect(page.locator(f'nav a[data-screen="{screen}"]')).to_have_attribute("aria-current", "page")
    page.wait_for_timeout(700)


@pytest.mark.parametrize(("theme", "width", "language"), [("light", 1360, "en"), ("dark", 1360, "zh"), ("light", 380, "zh"), ("dark", 380, "en")])
def test_every_screen_is_sound(demo, visit, theme, width, language):
    page = visit(demo.url, theme=theme, width=width, language=language)
    titles = set()
    for screen in SCREENS:
        go(page, screen)
        titles.add(page.locator("h1").inner_text())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{screen} scrolls sideways"
        assert page.locator("h1").bounding_box()["y"] < 150, f"{screen} starts with a gap"
        sound(page, f"{screen}-{theme}-{width}-{language}")
    assert len(titles) == len(SCREENS)
    assert page.evaluate("document.documentElement.lang") == {"en": "en", "zh": "zh-CN"}[language]
    assert any("\u4e00" <= letter <= "\u9fff" for title in titles for letter in title) == (language == "zh")


def test_both_languages_say_the_same_things(demo, visit):
    page = visit(demo.url)
    names = page.evaluate("Promise.all(['en', 'zh'].map((name) => import(`./page/${name}.js`).then((m) => Object.entries(m.default))))")
    english, chinese = (dict(language) for language in names)
    assert english.keys() == chinese.keys()
    values = lambda text: sorted(re.findall(r"\{\w+\}", text))
    assert not [name for name in english if values(english[name]) != values(chinese[name])]
    used = "".join(page.request.get(f"{demo.url}/admin/page/{file}").text() for file in ["app.js", *(f"screens/{s}.js" for s in [*SCREENS, "heat", "banner", "first"])])
    assert not [name for name in re.findall(r"\bt\('([\w.]+)'", used) if name not in english]


def test_language_and_light_are_switched_and_kept(demo, visit):
    page = visit(demo.url)
    before = page.evaluate("getComputedStyle(document.body).color")
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("getComputedStyle(document.body).color") != before
    page.get_by_role("button", name="中文").click()
    expect(page.locator("h1")).to_have_text("总览")
    page.reload()
    page.wait_for_selector(".frame")
    expect(page.locator("h1")).to_have_text("总览")
    assert page.evaluate("getComputedStyle(document.body).color") != before


def test_a_wrong_key_is_refused_and_a_right_one_is_kept_in_the_tab_only(demo, visit):
    page = visit(demo.url, key=None, expected="401 (Unauthorized)")
    sound(page, "login")
    page.fill("#admin-key", "no-such-key-000000000000")
    with page.expect_response("**/admin/events") as refused:
        page.keyboard.press("Enter")
    assert refused.value.status == 401
    expect(page.get_by_role("alert")).to_contain_text("Incorrect API key")
    page.fill("#admin-key", ADMIN_KEY)
    page.keyboard.press("Enter")
    page.wait_for_selector(".frame")
    assert ADMIN_KEY not in page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href")
    other = page.context.new_page()
    other.goto(demo.url + "/admin/")
    expect(other.locator("#admin-key")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#admin-key")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_first_run_tells_how_to_begin(tmp_path, visit):
    quiet = Demo(tmp_path)
    try:
        page = visit(quiet.url)
        expect(page.locator("pre.code")).to_contain_text(f"curl {quiet.url}/v1/chat/completions")
        for client in ["Python", "Node.js", "Claude Code", "Codex", "google-genai"]:
            page.get_by_role("button", name=client, exact=True).click()
            expect(page.locator("pre.code")).to_contain_text(quiet.url)
        sound(page, "first-run")
        body = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}).encode()
        quiet.ask("/v1/chat/completions", "POST", body, CLIENT_KEYS[0])
        expect(page.locator(".tiles")).to_be_visible()
        expect(page.locator("tr.pick")).to_have_count(1)
    finally:
        quiet.process.terminate()


def test_the_page_lives(demo, visit):
    page = visit(demo.url)
    first = page.locator("tr.pick").first.inner_text()
    page.wait_for_function("text => document.querySelector('tr.pick').innerText !== text", arg=first)
    assert page.locator("button.cell.ready").count() > 10
    expect(page.locator("button.cell.dead").first).to_be_visible()
    cell = page.locator("button.cell.resting:has(.drain:visible)").first
    expect(cell).to_be_visible()
    assert page.locator("svg.chart path").count() > 2


def test_a_key_is_taken_out_and_put_back(demo, visit):
    page = visit(demo.url)
    go(page, "keys")
    page.get_by_label("Filter keys").fill("plover")
    expect(page.locator("table.heat tbody tr")).to_have_count(1)
    page.locator("table.heat tbody th button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Consecutive cooldowns" if dialog.get_by_text("Consecutive cooldowns").count() else "Requests")
    sound(page, "keys-dialog")
    dialog.get_by_role("button", name="Test with Google").click()
    expect(page.get_by_text("Google accepts the key")).to_be_visible()
    dialog.get_by_role("button", name="Disable").click()
    expect(page.locator("button.cell.disabled").first).to_be_visible()
    page.locator("button.cell.disabled").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Enable").click()
    expect(page.locator("button.cell.disabled")).to_have_count(0)
    page.get_by_label("Filter keys").fill("wren")
    page.locator("button.cell.dead").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Reset for this model").click()
    expect(page.get_by_text(re.compile("Key .* was reset"))).to_be_visible()


def test_many_keys_that_fail_together_are_one_banner(demo, visit):
    page = visit(demo.url)
    # This prompt fails with every key.
    body = json.dumps({"model": "gemini-2.5-pro", "messages": [{"role": "user", "content": "[[sim:429_minute retry=40]]"}]}).encode()
    with pytest.raises(urllib.error.HTTPError):
        demo.ask("/v1/chat/completions", "POST", body, CLIENT_KEYS[0])
    expect(page.locator(".banner.warn")).to_contain_text("per-minute quota", timeout=20_000)
    sound(page, "banner")


def test_a_request_is_opened_and_its_capsule_downloaded(demo, visit):
    page = visit(demo.url)
    go(page, "requests")
    page.get_by_role("button", name="Retried").click()
    page.get_by_role("button", name="Pause").click()
    row = page.locator("tr.pick", has_text="200").first
    # A click works anywhere on the row; the keyboard uses its button.
    row.locator("td").nth(3).click()
    expect(page.get_by_role("dialog")).to_have_count(1)
    page.keyboard.press("Escape")
    row.get_by_role("button").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_have_count(1)
    expect(dialog.locator(".lane")).not_to_have_count(0)
    expect(dialog).to_contain_text("Attempt 2")
    expect(dialog).to_contain_text("answered")
    sound(page, "requests-dialog")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download capsule").click()
    capsule = json.loads(Path(download.value.path()).read_text())
    assert capsule["attempts"][0]["response"]["status"] in (400, 429, 503)
    assert capsule["attempts"][-1]["response"]["status"] == 200
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Failed").click()
    page.get_by_label("Filter requests").fill("no request says this")
    expect(page.get_by_text("No requests.")).to_be_visible()


def test_the_configuration_is_changed_refused_mended_and_rolled_back(demo, visit):
    page = visit(demo.url, expected="422 (Unprocessable Entity)")
    go(page, "config")
    try:
        demo.config.write_text(SETTINGS + "[upstream]\nattempts = 5\n")
        expect(page.get_by_text("Generation 2").first).to_be_visible(timeout=15_000)
        expect(page.locator(".diff").first).to_contain_text("upstream.attempts")
        demo.config.write_text(SETTINGS + "[upstream]\nattempts = 500\n")
        expect(page.locator(".problem pre").first).to_contain_text("attempts = 500", timeout=15_000)
        assert "^" in page.locator(".problem pre").first.inner_text().splitlines()[1]
        go(page, "overview")
        expect(page.locator(".banner.bad")).to_contain_text("rejected")
        go(page, "config")
        sound(page, "config-refused")
        page.get_by_role("button", name="What would change?").click()
        expect(page.get_by_text("A reload would be rejected")).to_be_visible()
        demo.config.write_text(SETTINGS + "[upstream]\nattempts = 6\n")
        expect(page.get_by_text("Generation 3").first).to_be_visible(timeout=15_000)
        expect(page.locator(".problem")).to_have_count(0)
        page.locator(".generation", has_text="Generation 1").get_by_role("button").click()
        page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
        expect(page.get_by_text("Generation 4").first).to_be_visible(timeout=15_000)
        assert "attempts" not in demo.config.read_text()
        sound(page, "config-history")
    finally:
        demo.config.write_text(SETTINGS)


def test_plugins_are_tried_one_by_one(demo, visit):
    page = visit(demo.url)
    go(page, "plugins")
    expect(page.locator("tbody tr").first).to_contain_text("pii")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".diff .old").first).to_contain_text("jane.doe@example.org")
    expect(page.locator(".diff .new").first).not_to_contain_text("jane.doe@example.org")
    sound(page, "plugins-tried")


def test_the_translator_judges_each_field(demo, visit):
    page = visit(demo.url)
    go(page, "playground")
    expect(page.locator("pre.code").last).to_contain_text("functionDeclarations")
    expect(page.locator("tr", has_text="logit_bias")).to_contain_text("dropped")
    for path in ["/v1/responses", "/v1/messages", "/v1/embeddings"]:
        page.get_by_label("Endpoint").select_option(path)
        expect(page.locator("pre.code").last).to_contain_text("Say hello" if "embed" not in path else "one")


def test_a_keyboard_is_enough(demo, visit):
    page = visit(demo.url)
    page.keyboard.press("Alt+2")
    expect(page.locator("h1")).to_have_text("Keys")
    for _ in range(40):
        page.keyboard.press("Tab")
        if "cell" in (page.evaluate("document.activeElement.className") or ""):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "cell" in page.evaluate("document.activeElement.className"), "the focus must return to the cell"


def forms(key):
    yield from (key, key[::-1], "".join(f"%{byte:02X}" for byte in key.encode()), key.encode().hex(), urllib.parse.quote(key, safe=""))
    for before in ("", "u:", "ab"):
        whole = base64.b64encode((before + key).encode()).decode()
        yield whole[4:-4]


def test_no_key_is_anywhere(demo, visit):
    page = visit(demo.url)
    texts = {}
    for screen in SCREENS:
        go(page, screen)
        texts[screen] = page.content()
    texts["events"] = page.evaluate(
        """async (key) => {
          const ended = AbortSignal.timeout(5000);
          const { body } = await fetch('events', { headers: { authorization: `Bearer ${key}` }, signal: ended });
          const reader = body.pipeThrough(new TextDecoderStream()).getReader();
          let text = '';
          try { for (;;) text += (await reader.read()).value; } catch { return text; }
        }""",
        ADMIN_KEY,
    )
    assert "event: pools" in texts["events"] and "event: usage" in texts["events"]
    for path in ["requests", "keys", "config", "config/history", "usage", "latencies"]:
        texts[path] = demo.ask(f"/admin/{path}")
    over = json.loads(texts["requests"])["over"]
    for request in over[:40]:
        for kind in ("explain", "capsule"):
            try:
                texts[f"{kind} {request['request_id']}"] = demo.ask(f"/admin/{kind}/{request['request_id']}")
            except urllib.error.HTTPError as error:
                assert error.code == 404
    assert sum(name.startswith("capsule") for name in texts) > 10
    for name, text in texts.items():
        for key in [*GEMINI_KEYS, *CLIENT_KEYS, ADMIN_KEY]:
            for form in forms(key):
                assert form not in text, f"{key} appears in {name}"


def test_the_picture_of_the_readme(demo, visit):
    """Takes a screenshot; if DASHBOARD_PICTURE is set, writes it there, for docs/dashboard.png, after five minutes of traffic."""
    picture = os.environ.get("DASHBOARD_PICTURE")
    page = visit(demo.url, width=1280)
    page.set_viewport_size({"width": 1280, "height": 1000})
    if picture:
        expect(page.locator(".side .foot")).to_contain_text(re.compile("up [5-9] min"), timeout=330_000)
        expect(page.locator(".banner")).to_have_count(0, timeout=120_000)
    page.wait_for_timeout(2500)
    page.screenshot(path=picture or ARTEFACTS / "dashboard.png")
