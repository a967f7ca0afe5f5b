"""Chromium without a window, and what a page must not show."""
import importlib.util
import os
import pathlib
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

WIDTHS = {"phone": (360, 780), "desk": (1280, 900), "wall": (2560, 1440)}
PICTURES = os.environ.get("PEYVAND_PICTURES")

# Reports of the content security policy, which Chromium also writes into its console, and words without an entry.
WATCH = """
window.faults = [];
document.addEventListener('securitypolicyviolation', (event) => window.faults.push('CSP: ' + event.violatedDirective));
window.addEventListener('error', (event) => window.faults.push('error: ' + event.message));
window.addEventListener('unhandledrejection', (event) => window.faults.push('rejection: ' + event.reason));
"""

# A key that stands where its word should: `field.subject`, `{name}`, or what JavaScript makes of nothing.
MISSING = r"""
const words = document.body.innerText.match(
  new RegExp('\\b(app|nav|field|event|status|outcome|act|hint|reason|fault|problem|alarm|count|dash|todo|prov|case|form)'
    + '\\.[a-z_.]+\\b|\\{\\w+\\}|\\bundefined\\b|\\bNaN\\b|\\[object', 'g'));
return words ?? [];
"""


# The newest axe-core that PyPI has lies in a package for another driver, of which only this file is used.
AXE = pathlib.Path(
    importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0], "axe.min.js").read_text()


class Browser:
    def __init__(self):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--ignore-certificate-errors",
                         "--force-prefers-reduced-motion", "--hide-scrollbars"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService("/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_page_load_timeout(30)
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        self.resize("desk")

    def close(self):
        self.driver.quit()

    def resize(self, name):
        width, height = WIDTHS[name]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": name == "phone"})

    def wait(self, condition, seconds=20):
        return WebDriverWait(self.driver, seconds, poll_frequency=0.1).until(condition)

    def settle(self):
        """Until nothing is loading any more and a heading stands on the page."""
        self.wait(lambda driver: driver.execute_script(
            "return document.readyState === 'complete' && !document.querySelector('main .loading, #app > .loading')"
            " && document.querySelector('h1') !== null"))
        time.sleep(0.3)

    def sign_in(self, console, token, language):
        driver = self.driver
        driver.get(console + "/login")
        self.settle()
        driver.execute_script("sessionStorage.clear(); localStorage.setItem('language', arguments[0])", language)
        driver.execute_script(
            "return fetch('/api/v1/session', {method: 'POST', headers: {'Content-Type': 'application/json'},"
            " body: JSON.stringify({token: arguments[0]})}).then((answer) => answer.status)", token)
        driver.get(console + "/")
        self.settle()

    def open(self, fragment):
        self.driver.execute_script("location.hash = arguments[0]", fragment)
        time.sleep(0.2)
        self.settle()

    def elements(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def picture(self, name):
        """One of each width, where pictures are wanted."""
        if not PICTURES:
            return
        folder = pathlib.Path(PICTURES)
        folder.mkdir(parents=True, exist_ok=True)
        for width in WIDTHS:
            self.resize(width)
            time.sleep(0.4)
            self.driver.save_screenshot(str(folder / f"{name}-{width}.png"))
        self.resize("desk")

    # What is wrong with the page as it stands

    def faults(self):
        entries = self.driver.get_log("browser")
        found = [f"console: {entry['message']}" for entry in entries if entry["level"] == "SEVERE"]
        found += self.driver.execute_script("return (window.faults ?? []).splice(0)")
        return found + [f"missing word: {word}" for word in self.driver.execute_script(MISSING)] + self._overflow()

    def _overflow(self):
        wide = self.driver.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return [f"the page is {wide} px wider than the window"] if wide > 0 else []

    def accessibility(self):
        if not self.driver.execute_script("return 'axe' in window"):
            self.driver.execute_script(AXE)
        violations = self.driver.execute_async_script(
            "axe.run({resultTypes: ['violations']}).then((found) => arguments[0](found.violations))")
        return [f"axe {one['id']} ({one['impact']}): {one['nodes'][0]['target']}: {one['nodes'][0]['html'][:160]}"
                for one in violations if one["impact"] in ("serious", "critical")]
