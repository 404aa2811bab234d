"""Headless Chromium for the tests that look at pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

WIDE, PHONE = (1280, 900), (400, 900)


class Browser:
    """Chromium with a page in it."""

    def __init__(self, driver: Chrome, folder: Path) -> None:
        self.driver = driver
        self.folder = folder

    def open(
        self,
        page: str | Path,
        *,
        state: str = "",
        size: tuple[int, int] = WIDE,
        scheme: str = "light",
        media: str = "screen",
        scripts: bool = True,
    ) -> None:
        """Load the page, HTML or a file with it, and its logs anew."""
        file = page if isinstance(page, Path) else self.folder / "index.html"
        if isinstance(page, str):
            file.write_text(page, encoding="utf-8")
        width, height = size
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.cdp(
            "Emulation.setEmulatedMedia",
            media=media,
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        self.cdp("Emulation.setScriptExecutionDisabled", value=not scripts)
        # Between two states of one page the browser would only scroll.
        self.driver.get("about:blank")
        # Chromium keeps 50 entries, and drops first those that no one's hand has made.
        self.cdp("Page.resetNavigationHistory")
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        self.driver.get(file.as_uri() + state)

    def cdp(self, command: str, **arguments: object) -> Any:
        return self.driver.execute_cdp_cmd(command, arguments)

    def js(self, expression: str, *arguments: object) -> Any:
        return self.driver.execute_script(f"return {expression}", *arguments)

    def find(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def choose(self, name: str, text: str) -> None:
        Select(self.one(f"select[name={name}]")).select_by_visible_text(text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    def state(self) -> str:
        return urlsplit(self.driver.current_url).fragment


@contextmanager
def start(folder: Path) -> Iterator[Browser]:
    """Run Chromium, which keeps its profile and the pages given as text in ``folder``."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.fail(
            "these tests need Chromium and its driver: apt-get install chromium chromium-driver"
        )
    options = ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        f"--user-data-dir={folder / 'profile'}",
    ):
        options.add_argument(argument)
    with Chrome(options=options, service=ChromeService(driver)) as chrome:
        yield Browser(chrome, folder)
