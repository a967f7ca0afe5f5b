"""One smoke test for each role: log in, open every page and every form, in both languages."""
import unittest

from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from browser import Browser
from office import PEOPLE, Office


def setUpModule():
    global office, browser, cases
    office = Office()
    unittest.addModuleCleanup(office.__exit__, None, None, None)
    office.__enter__()
    cases = office.furnish()
    browser = Browser()
    unittest.addModuleCleanup(browser.close)


class Pages(unittest.TestCase):
    def check(self, name):
        """The page that stands there now, at the width of a desk and of a telephone. English has the same elements as
        Persian: axe looks at one of the two."""
        axe = (lambda: []) if "-en-" in name else browser.accessibility
        with self.subTest(page=name):
            found = browser.faults()
            browser.resize("phone")
            found += browser.faults() + axe()
            browser.resize("desk")
            found += axe()
            browser.picture(name)
            self.assertEqual(found, [], name)

    def walk(self, role):
        console = office.console(PEOPLE[role][1])
        for language in ("fa", "en"):
            browser.sign_in(console, office.tokens[role], language)
            self.check(f"{role}-{language}-home")
            sections = [link.get_attribute("data-view") for link in browser.elements("nav.sections a")]
            self.assertGreater(len(sections), 2)
            for section in sections:
                browser.open(f"#/{section}")
                self.check(f"{role}-{language}-{section}")
            for name in self.visible(role):
                browser.open(f"#/case/{cases[name]['id']}")
                self.check(f"{role}-{language}-case-{name}")
                self.forms(f"{role}-{language}-case-{name}")

    def visible(self, role):
        return {"agency": ["referred", "in_progress"], "ministry": ["ministry"]}.get(
            role, ["registered", "referred", "in_progress", "disputed", "closed"])

    def forms(self, name):
        """Opens the form of each action that is offered; none is sent."""
        for action in [button.get_attribute("data-action") for button in browser.elements("[data-action]")]:
            browser.driver.execute_script(f"document.querySelector('[data-action={action}]').click()")
            self.assertEqual(len(browser.elements(".action-form form")), 1, action)
            with self.subTest(form=f"{name}-{action}"):
                axe = [] if "-en-" in name else browser.accessibility()
                self.assertEqual(browser.faults() + axe, [])
            browser.driver.execute_script(f"document.querySelector('[data-action={action}]').click()")

    def test_operator(self):
        self.walk("operator")

    def test_agency(self):
        self.walk("agency")

    def test_supervisor(self):
        self.walk("supervisor")

    def test_auditor(self):
        self.walk("auditor")

    def test_ministry(self):
        self.walk("ministry")

    def test_hub(self):
        self.walk("hub")

    def test_citizen(self):
        console = office.console("IR-03")
        pages = {"form": "/track", "wrong": "/track/123", "unknown": "/track?code=0300000000000"}
        pages |= {name: f"/track/{case['tracking_code']}" for name, case in cases.items()}
        for name, path in pages.items():
            browser.driver.get(console + path)
            browser.settle()
            # Chromium writes the status of a page that is not found into its console.
            browser.driver.get_log("browser")
            self.check(f"citizen-{name}")

    def test_login(self):
        for language in ("fa", "en"):
            browser.driver.delete_all_cookies()
            browser.driver.get(office.console("hub") + "/login")
            browser.driver.execute_script("localStorage.setItem('language', arguments[0])", language)
            browser.driver.refresh()
            browser.settle()
            self.check(f"login-{language}")


class Steps(unittest.TestCase):
    """What pages do, rather than what they show."""

    def test_a_case_is_registered_by_keyboard_and_its_form_is_empty_afterwards(self):
        browser.sign_in(office.console("IR-03"), office.tokens["operator"], "fa")
        browser.open("#/register")
        field = lambda name: browser.elements(f"form.register [name='{name}']")[0]
        Select(field("category")).select_by_value("water")
        field("subject").send_keys("آزمون", Keys.ENTER)
        self.assertEqual(browser.driver.switch_to.active_element.get_attribute("name"), "description", "Enter goes on")
        field("citizen.mobile").send_keys("۰۹۱۴", Keys.ENTER)
        self.assertEqual(browser.elements(".registration, .form-status .problem"), [], "and sends nothing")
        field("subject").send_keys(Keys.CONTROL, Keys.ENTER)
        fault = browser.wait(lambda driver: browser.elements("[data-for='citizen.mobile'] .fault")[0].text)
        self.assertIn("یازده رقم", fault)
        field("citizen.mobile").send_keys("۱۲۳۴۵۶۷")
        # A refused form stands in the console of the browser, by its status alone.
        browser.driver.get_log("browser")
        # The key is pressed where something was typed: the field is taken away before it hears of the change.
        field("citizen.mobile").send_keys(Keys.CONTROL, Keys.ENTER)
        browser.wait(lambda driver: browser.elements(".registration"))
        kept = browser.driver.execute_script(
            "return Object.keys(sessionStorage).filter((key) => /:(draft|pending)[.]/.test(key))")
        self.assertEqual(kept, [], "what was sent is no draft any more")


if __name__ == "__main__":
    unittest.main(verbosity=2)
