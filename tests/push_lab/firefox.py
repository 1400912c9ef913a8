"""A real, headless Firefox ESR, subscribed to the local push service. Driven over Marionette, its own protocol.

No traffic leaves the machine: everything but loopback goes to a closed port.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.push_lab.service import wait_for
from tests.support.processes import Program, accepts_connections, free_port, stopped, tool

with warnings.catch_warnings():
    # The driver brings along a runner for phones, which imports a module that Python is about to drop.
    warnings.simplefilter("ignore", DeprecationWarning)
    from marionette_driver.by import By
    from marionette_driver.marionette import Marionette

PUSH = {
    "dom.push.testing.allowInsecureServerURL": True,
    # Marionette's "recommended preferences" switch push off unless user.js names it.
    "dom.push.connection.enabled": True,
    # Firefox's own alert windows. With neither them nor a desktop, showNotification() never settles.
    "alerts.useSystemBackend": False,
    "dom.push.retryBaseInterval": 200,
    # Without animation an alert stays for 20 s.
    "ui.prefersReducedMotion": 1,
}
NO_NETWORK = {
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "app.normandy.enabled": False,
    "browser.newtabpage.enabled": False,
    # A start makes three processes for pages that no test opens.
    "dom.ipc.processPrelaunch.enabled": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.dns.disablePrefetch": True,
    "network.prefetch-next": False,
    "toolkit.telemetry.enabled": False,
}


class Firefox:
    """A Firefox process with a profile of its own, which is deleted with it."""

    def __init__(self, push_url: str) -> None:
        self._binary = tool("firefox-esr")
        self._push_url = push_url
        self._profile = Path(tempfile.mkdtemp(prefix="hub-firefox-"))

    def __enter__(self) -> Self:
        port = free_port()
        settings = {**NO_NETWORK, **PUSH, "dom.push.serverURL": self._push_url, "marionette.port": port}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in settings.items()]
        (self._profile / "user.js").write_text("".join(lines))
        # System access lets the driver click the alerts that Firefox shows outside its pages.
        command = [self._binary, "--headless", "--no-remote", "--profile", str(self._profile), "--marionette"]
        self._program = Program(
            [*command, "--remote-allow-system-access"],
            log=self._profile / "output.log",
            environment={**os.environ, "MOZ_CRASHREPORTER_DISABLE": "1", "MOZ_DISABLE_AUTO_SAFE_MODE": "1"},
        )
        self._program.wait_until_ready(lambda: accepts_connections(port), seconds=60)
        self.driver = Marionette(port=port)
        try:
            self.driver.start_session()
        except Exception:
            self._program.kill()
            raise
        self.driver.timeout.script = 60
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception):  # It may have crashed, which must not hide the test's own failure.
            self.driver._send_message("Marionette:Quit", {"flags": ["eForceQuit"]})
            self._program.process.wait(20)
        self._program.kill()
        self.driver.client.close()
        self.driver.cleanup_ran = True  # Otherwise the driver's destructor would call a browser that has gone.
        shutil.rmtree(self._profile, ignore_errors=True)

    @property
    def version(self) -> str:
        return str(self.driver.session_capabilities["browserVersion"])

    # Pages

    def visit(self, url: str) -> None:
        self.driver.navigate(url)

    @property
    def url(self) -> str:
        return str(self.driver.get_url())

    def click(self, selector: str) -> None:
        wait_for(lambda: self.driver.find_elements(By.CSS_SELECTOR, selector))
        self.driver.find_element(By.CSS_SELECTOR, selector).click()

    def fill(self, selector: str, text: str) -> None:
        self.driver.find_element(By.CSS_SELECTOR, selector).send_keys(text)

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page, and return its value."""
        return self.driver.execute_script(script, script_args=arguments, sandbox=None)

    def wait_until(self, expression: str, timeout: float = 30) -> Any:
        """Wait for a JavaScript expression in the page to be true, and return its value."""
        return wait_for(lambda: self.run(f"return {expression}"), timeout)

    def forget_cookies(self) -> None:
        """Delete the cookies of the current page's site, so that nobody is signed in any more."""
        self.driver.delete_all_cookies()

    def close_pages(self) -> None:
        """Close every tab. An empty one remains, so Firefox goes on running."""
        old = self.driver.window_handles
        empty = self.driver.open(type="tab", focus=True)["handle"]
        for handle in old:
            self.driver.switch_to_window(handle)
            self.driver.close()
        self.driver.switch_to_window(empty)

    def pages(self) -> list[str]:
        """Return the address of every tab."""
        script = "return gBrowser.tabs.map(tab => tab.linkedBrowser.currentURI.spec)"
        return list(self._privileged(script))

    @contextlib.contextmanager
    def page_stopped(self) -> Iterator[None]:
        """Stop the page's process, as on a machine that sleeps. Its connections stay open."""
        number = int(self._privileged("return gBrowser.selectedBrowser.browsingContext.currentWindowGlobal.osPid"))
        with stopped(number):
            yield

    # Alerts and prompts outside pages

    def alerts(self) -> list[dict[str, str]]:
        """Return title and body of every notification on screen."""
        return list(
            self._privileged(
                "return [...Services.wm.getEnumerator('alert:alert')].filter(w => w.document.readyState == 'complete')"
                ".map(w => ({title: w.document.getElementById('alertTitleLabel').value,"
                " body: w.document.getElementById('alertTextLabel').textContent}))"
            )
        )

    def click_alert(self, title: str) -> bool:
        """Click an alert, and return whether there was one. Its listener accepts clicks only in an active window."""
        return bool(
            self._privileged(
                "const alert = [...Services.wm.getEnumerator('alert:alert')].find(w => w.gIsActive &&"
                " w.document.getElementById('alertTitleLabel').value == arguments[0]);"
                "alert?.document.getElementById('alertNotification').click(); return Boolean(alert)",
                title,
            )
        )

    def close_alerts(self) -> bool:
        """Close all alerts. Return whether none is left."""
        self._privileged(
            "for (const alert of Services.wm.getEnumerator('alert:alert'))"
            " alert.document.querySelector('.close-icon').click()"
        )
        return not self.alerts()

    def press_allow(self) -> None:
        """Answer the prompt of a page's request for permission."""
        wait_for(lambda: self._privileged("return Boolean(window.PopupNotifications.panel.firstElementChild)"))
        self._privileged("window.PopupNotifications.panel.firstElementChild.button.click()")

    def _privileged(self, script: str, *arguments: Any) -> Any:
        with self.driver.using_context("chrome"):
            return self.driver.execute_script(script, script_args=arguments)
