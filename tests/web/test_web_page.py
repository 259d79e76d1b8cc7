"""The page in real headless Chromium: choose, record, clone, play, keep, download, errors, keyboard."""

import re
import shutil
import time

import pytest
import soundfile

from tests.web.conftest import REFERENCE, ROOT, running
from tests.web.test_web_worker import Gated, gated  # noqa: F401
from web import limits
from web.voices import CONSENT, LONGEST_NAME

if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("chromium is missing: ./install_system_packages.sh --tests", allow_module_level=True)

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip
STATIC = ROOT / "web/static"


@pytest.fixture(scope="module")
def downloads(tmp_path_factory):
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory, downloads):
    folder = tmp_path_factory.mktemp("chromium")
    samples, rate = soundfile.read(REFERENCE)
    soundfile.write(folder / "microphone.wav", samples, rate, subtype="PCM_16")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    more = [f"--user-data-dir={folder}/profile", f"--use-file-for-fake-audio-capture={folder}/microphone.wav"]
    for flag in [*FLAGS, *more]:
        options.add_argument(flag)
    chromium = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield chromium
    chromium.quit()


class Page:
    def __init__(self, browser, url: str):
        self.browser = browser
        browser.get(url)
        self.until(lambda: self.all("#voices .voice") or self.part("error").is_displayed())

    def part(self, id: str):
        return self.browser.find_element(By.ID, id)

    def all(self, selector: str) -> list:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def until(self, holds) -> None:
        deadline = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < deadline, (self.part("status").text, self.part("error").text)
            time.sleep(0.03)

    def status(self, starts: str) -> None:
        self.until(lambda: self.part("status").text.startswith(starts))

    def error(self, says: str) -> None:
        self.until(lambda: self.part("error").is_displayed())
        assert says in self.part("error").text
        assert re.fullmatch(r"[A-Z].*[.?!]", self.part("error").text)

    def choose(self, path, consent: bool = True) -> None:
        self.part("new-voice").click()
        self.part("file").send_keys(str(path))
        if consent:
            self.part("consent").click()

    def speak(self, text: str) -> None:
        self.part("text").clear()
        self.part("text").send_keys(text)
        self.part("speak").click()

    def press(self, *keys: str):
        """Keys to whatever has the focus; returns what has it afterwards."""
        webdriver.ActionChains(self.browser).send_keys(*keys).perform()
        return self.browser.switch_to.active_element


@pytest.fixture
def page(browser, server):
    browser.get_log("browser")
    page = Page(browser, server.url)
    yield page
    said = [line["message"] for line in browser.get_log("browser")]
    assert [line for line in said if "Content Security" in line or "Error" in line] == []


def test_a_file_is_cloned_played_and_downloaded(page, server, downloads):
    page.choose(REFERENCE)
    page.speak("Hello there. A second sentence.")
    page.status("Done")
    (card,) = page.all(".result")
    assert "Hello there." in card.text
    mel, wave = card.find_element(By.TAG_NAME, "img"), card.find_element(By.TAG_NAME, "canvas")
    page.until(lambda: mel.get_property("naturalWidth") > 20)
    assert mel.get_property("naturalHeight") == 80
    drawn = "return new Set(arguments[0].getContext('2d').getImageData(0, 0, 99, 40).data).size > 1"
    page.until(lambda: page.browser.execute_script(drawn, wave))

    play, place = card.find_element(By.CLASS_NAME, "play"), card.find_element(By.CSS_SELECTOR, "[type=range]")
    play.click()
    page.until(lambda: float(place.get_property("value")) > 0.02)
    assert play.accessible_name == "Pause"
    play.click()
    page.until(lambda: play.accessible_name == "Play")

    card.find_element(By.CLASS_NAME, "download").click()
    written = downloads / "hello-there-a-second-sentence.wav"
    page.until(written.exists)
    assert soundfile.info(written).duration > 0.5
    assert not server.voices.exists() or list(server.voices.iterdir()) == []  # nothing is kept unasked


def test_the_microphone_is_recorded_with_a_moving_level_and_cloned(page):
    page.part("new-voice").click()
    page.part("record").click()
    page.status("Recording")
    levels = set()
    page.until(lambda: levels.add(page.part("level").get_property("value")) or len(levels) > 5)
    page.until(lambda: re.search(r"Stop \([3-9] s\)", page.part("record").text))
    page.part("record").click()
    page.status("The recording is chosen")
    assert page.part("preview").is_displayed()
    page.part("consent").click()
    page.speak("Hello.")
    page.status("Done")


def test_without_consent_no_voice_is_made(page, server):
    page.choose(REFERENCE, consent=False)
    page.speak("Hello.")
    page.error("only with its owner's leave")
    page.part("consent").click()
    page.part("file").send_keys(str(REFERENCE))
    assert not page.part("consent").is_selected()  # it was given for the other recording
    page.part("name").send_keys("Ada")
    page.part("keep").click()
    page.error("only with its owner's leave")
    assert "POST" not in "".join(server.log.lines)


def test_a_voice_is_kept_used_and_deleted(page, server):
    page.choose(REFERENCE)
    page.part("name").send_keys("Ada")
    page.part("keep").click()
    page.status("Ada is kept")
    assert not page.part("new").is_displayed()
    assert not page.part("consent").is_selected()
    page.speak("Hello.")
    page.status("Done")
    assert "Ada:" in page.all(".result .facts")[0].text
    page.browser.refresh()
    page.until(lambda: len(page.all("#voices .voice")) == 2)
    page.all("#voices button")[0].click()
    page.browser.switch_to.alert.accept()
    page.status("Ada is deleted")
    assert list(server.voices.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "text", "says"),
    [
        (None, "Hello.", "Choose a recording first"), (b"no sound", "Hello.", "not a sound file"),
        ("", "Hello.", "is empty"), ("reference", "", "Type what the voice shall say"),
        ("reference", "😀", "GRINNING FACE"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said_in_a_sentence(page, tmp_path, content, text, says):
    path = tmp_path / "me.wav"
    page.part("new-voice").click()
    if content is not None:
        path.write_bytes(REFERENCE.read_bytes() if content == "reference" else content or b"")
        page.choose(path)
    typed = "const text = document.getElementById('text'); text.value = arguments[0]"  # the driver types no emoji
    page.browser.execute_script(typed, text)
    page.part("speak").click()
    page.error(says)
    assert page.part("speak").is_enabled()
    assert page.all(".result") == []


def test_a_file_too_large_is_not_even_sent(page, server, tmp_path):
    path = tmp_path / "me.wav"
    path.write_bytes(bytes(limits.UPLOAD_BYTES + 1))
    page.choose(path)
    page.error("at most 20 MB")
    assert "POST" not in "".join(server.log.lines)


def test_the_keyboard_alone_suffices(page):
    seen = []
    focused = page.press(Keys.TAB)
    while focused.get_attribute("id") != "text":
        seen.append(focused.accessible_name)
        assert len(seen) < 9, seen
        focused = page.press(Keys.TAB)
    assert "default (comes with Timbre)" in seen
    page.press("Hello.")
    while page.browser.switch_to.active_element.get_attribute("id") != "speak":
        page.press(Keys.TAB)
    page.press(Keys.ENTER)
    page.status("Done")
    focused = page.browser.switch_to.active_element
    assert focused.accessible_name == "Play"  # the focus waits at the result
    page.press(Keys.ENTER)
    page.until(lambda: focused.accessible_name == "Pause")
    place = page.press(Keys.TAB)
    assert place.accessible_name == "Place in the recording"
    assert page.press(Keys.TAB).text == "Download"


def test_arrows_choose_a_new_voice_and_every_control_has_a_name(page):
    page.all("#voices input")[0].send_keys(Keys.ARROW_DOWN)
    assert page.part("new").is_displayed()
    page.all("summary")[0].click()
    controls = [each for each in page.all("input, button, select, textarea, meter, a") if each.is_displayed()]
    assert len(controls) > 10
    assert [each.get_attribute("outerHTML") for each in controls if not each.accessible_name] == []
    assert page.part("status").aria_role == "status"
    assert page.part("error").get_attribute("role") == "alert"


@pytest.mark.parametrize("width", [320, 390, 1400])
def test_nothing_is_cut_off_on_a_phone_or_a_wide_screen(page, width):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.choose(REFERENCE)
        wide = page.browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_dark_where_the_reader_likes_it_dark(page):
    color = "return getComputedStyle(document.body).backgroundColor"
    light = page.browser.execute_script(color)
    wish = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", wish)
    dark = page.browser.execute_script(color)
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    brightness = [sum(map(int, re.findall(r"\d+", each)[:3])) for each in (light, dark)]
    assert brightness[0] > 600 > 150 > brightness[1]


def test_stop_frees_the_place(browser, gated, tmp_path):  # noqa: F811
    with running(gated, tmp_path) as server:
        page = Page(browser, server.url)
        page.speak("Hello. There.")
        page.until(lambda: server.service.worker.taken == 1)
        page.part("stop").click()
        page.status("Stopped")
        page.until(lambda: server.service.worker.taken == 0)
        gated.gate.set()
        browser.get("about:blank")


def test_a_key_is_asked_for_where_one_is_needed(browser, cloner, tmp_path):
    with running(cloner, tmp_path / "voices", key="a-key-of-enough-letters") as server:
        page = Page(browser, server.url)
        page.error("API key is needed")
        page.part("key").send_keys("a-key-of-enough-letters")
        page.part("use-key").click()
        page.status("The key is right")
        page.speak("Hello.")
        page.status("Done")
        browser.get("about:blank")


def test_only_this_service_is_asked_for_anything(page, server):
    for path in ("/", "/docs"):
        page.browser.get(server.url + path)
        loaded = page.browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
        assert loaded
        assert [address for address in loaded if not address.startswith(server.url)] == []


def test_the_docs_show_every_operation(page, server):
    page.browser.get(f"{server.url}/docs")
    page.until(lambda: page.all(".operation"))
    shown = {heading.text for heading in page.all(".operation h2")}
    described = server.client.get("/openapi.json").json()["paths"]
    assert shown == {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}


def test_the_page_and_the_service_have_the_same_limits():
    html, script = (STATIC / "index.html").read_text(), (STATIC / "app.js").read_text()
    assert f'maxlength="{limits.TEXT}"' in html
    assert f'maxlength="{LONGEST_NAME}"' in html
    assert CONSENT in html
    assert f"{limits.SECONDS:g}&nbsp;s and {limits.UPLOAD_BYTES / 1e6:g}&nbsp;MB" in html
    assert f"LONGEST_RECORDING = {limits.SECONDS:g};" in script
    assert f"MOST_BYTES = {limits.UPLOAD_BYTES:_};" in script
