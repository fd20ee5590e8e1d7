"""Pages looked at by a real browser, Chromium without a window, and nothing but Python."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--hide-scrollbars --window-size=1600,1000 --virtual-time-budget=5000"
).split()

WATCH = """<script>
window.faults = [];
addEventListener("error", e => faults.push(String(e.message || e.target.outerHTML)), true);
addEventListener("unhandledrejection", e => faults.push(String(e.reason)));
addEventListener("securitypolicyviolation", e => faults.push(e.blockedURI));
for (const level of ["error", "warn"]) console[level] = (...said) => faults.push(said.join(" "));
</script>"""

LOOK = """<script>
addEventListener("load", async () => {
  const root = document.documentElement, found = {};
  const wide = () => [...document.querySelectorAll("body *")]
    .filter(e => e.getBoundingClientRect().right > root.clientWidth + 0.5)
    .filter(e => !e.closest(".scroll, .whole, pre, svg"))
    .map(e => e.tagName + ": " + e.textContent.slice(0, 40));
  found.width = innerWidth;
  found.closed = [root.scrollWidth, wide()];
  for (const details of document.querySelectorAll("details")) details.open = true;
  found.open = [root.scrollWidth, wide()];
  found.panels = [...document.querySelectorAll("svg.panel")].map(svg => {
    const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
    const sizes = [...svg.querySelectorAll("text")]
      .map(t => parseFloat(getComputedStyle(t).fontSize));
    return [box.width, scale * Math.min(...sizes)];
  });
  found.sorts = [];
  for (const table of document.querySelectorAll("table:not(.trials)")) {
    const rows = () => [...table.tBodies[0].rows];
    const whole = () => rows().map(r => r.textContent).sort().join("|");
    const before = whole();
    [...table.tHead.rows[0].cells].forEach((head, at) => {
      const values = () => rows().map(r => r.cells[at].dataset.v ?? r.cells[at].textContent);
      const states = () => [...table.tHead.rows[0].cells].map(c => c.getAttribute("aria-sort"));
      if (!head.querySelector("button")) return;
      const sort = {column: head.textContent};
      for (const way of ["up", "down"]) {
        head.querySelector("button").click();
        sort[way] = values();
        sort[way + "_states"] = states().filter(s => s);
        sort[way + "_own"] = head.getAttribute("aria-sort");
      }
      sort.kept = whole() === before;
      found.sorts.push(sort);
    });
  }
  found.loaded = performance.getEntriesByType("resource").map(e => e.name.slice(0, 60));
  found.faults = faults;
  found.axe = window.axe && (await axe.run()).violations.map(v => [v.id, v.nodes[0].html]);
  parent.postMessage(found, "*");
});
</script>"""

WRAPPER = """<!doctype html><pre id="out"></pre><script>
const seen = [];
addEventListener("message", e => {
  seen.push(e.data);
  document.getElementById("out").textContent = JSON.stringify(seen);
});
</script>"""


def _hash(script: str) -> str:
    text = script.removeprefix("<script>").removesuffix("</script>")
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


class _Output(HTMLParser):
    """The text of the `pre` that the wrapper fills."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.text = ""
        self._inside = False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.text += data


def look(
    page: Path, widths: tuple[int, ...], folder: Path, axe: str = ""
) -> dict[int, dict[str, Any]]:
    """What the page, copied into `folder`, is like in frames of these widths.

    `axe` is the source of axe-core, whose violations are then told too, with every fold open. The
    copy watches for faults from its first line, and at the end tries every table.
    """
    rules = f"<script>{axe}</script>"
    return {int(looked["width"]): looked for looked in _framed(page, (rules, LOOK), widths, folder)}


def tried(page: Path, trying: str, width: int, folder: Path) -> Any:
    """What `trying` gives, the body of an async function that runs in the loaded page.

    `faults` is there, what went wrong so far.
    """
    script = f"""<script>addEventListener("load", async () => {{
      const result = await (async () => {{ {trying} }})().catch(e => ({{failed: String(e)}}));
      parent.postMessage({{result, faults}}, "*");
    }});</script>"""
    (posted,) = _framed(page, (script,), (width,), folder)
    assert posted["faults"] == [], posted["faults"]
    return posted["result"]


def _framed(
    page: Path, scripts: tuple[str, ...], widths: tuple[int, ...], folder: Path
) -> list[dict[str, Any]]:
    """What scripts at the end of the page post, in frames: a headless window is never narrower
    than 500."""
    source = page.read_text(encoding="utf-8")
    assert source.count("<head>") == source.count("</body>") == 1
    ends = "".join(scripts) + "</body>"
    copy = source.replace("<head>", "<head>" + WATCH).replace("</body>", ends)
    hashes = " ".join(map(_hash, (WATCH, *scripts)))
    copy = copy.replace("script-src ", f"script-src {hashes} ")  # The policy lets them in, too.
    (folder / "copy.html").write_text(copy, encoding="utf-8")
    frames = "".join(f'<iframe src="copy.html" width="{w}" height="700"></iframe>' for w in widths)
    wrapper = folder / "wrapper.html"
    wrapper.write_text(WRAPPER + frames, encoding="utf-8")
    output = _Output(dumped(wrapper.as_uri(), folder)).text
    assert output, f"{CHROMIUM} said nothing"
    posted: list[dict[str, Any]] = json.loads(output)
    return posted


def dumped(address: str, folder: Path) -> str:
    """The elements of a page some seconds after it was loaded, by its own clock."""
    return _chromium(folder, "--dump-dom", address)


def sheets(page: Path, folder: Path) -> int:
    """How many sheets a printed page has."""
    paper = folder / "paper.pdf"
    _chromium(folder, "--no-pdf-header-footer", f"--print-to-pdf={paper}", page.as_uri())
    return len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))


def _chromium(folder: Path, *words: str) -> str:
    assert CHROMIUM is not None
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", *words],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout
