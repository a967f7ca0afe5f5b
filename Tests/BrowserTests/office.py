"""A demonstration of two provinces, its people, and a few cases in different states."""
import json
import os
import pathlib
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.request

BINARY = os.environ.get("PEYVAND_BINARY", ".build-debug/debug/peyvand")
HOME, OTHER = "IR-03", "IR-23"

# Role, organisation, at which server.
PEOPLE = {
    "operator": (HOME, HOME), "agency": ("IR-03-MUN", HOME), "supervisor": (HOME, HOME), "auditor": (HOME, HOME),
    "ministry": ("SAMT", "hub"), "hub": ("PRES", "hub"),
}


class Office:
    """Starts on entry, stops on exit; `console(code)` is an address, `token(role)` opens it."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="peyvand-browser-"))
        self.tokens = {}

    def __enter__(self):
        self.log = open(self.folder / "demo.log", "w")
        self.process = subprocess.Popen(
            [BINARY, "demo", "--directory", self.folder / "demo", "--provinces", "2", "--quiet"],
            stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        record = self.folder / "demo" / "demo.json"
        deadline = time.monotonic() + 120
        while not record.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the demonstration did not start: " + (self.folder / "demo.log").read_text()[-2000:])
            time.sleep(0.2)
        self.record = json.loads(record.read_text())
        for role, (organization, server) in PEOPLE.items():
            self.tokens[role] = self._draw(role, organization, server)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()

    def _draw(self, role, organization, server):
        answer = subprocess.run(
            [BINARY, "token", "add", role, "--role", role, "--organization", organization,
             "--directory", self.folder / "demo", "--code", server],
            capture_output=True, text=True, check=True)
        return answer.stdout.split()[-1]

    def console(self, code):
        if code == "hub":
            return self.record["hub"]["console"]
        return next(node["console"] for node in self.record["nodes"] if node["code"] == code)

    def call(self, role, method, path, body=None):
        """One request of the REST interface; the parsed answer."""
        request = urllib.request.Request(
            self.console(PEOPLE[role][1]) + "/api/v1" + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer " + self.tokens[role], "Content-Type": "application/json"})
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return json.loads(answer.read())

    def register(self, subject, **more):
        citizen = {
            "name": "زهرا آزمون", "mobile": "۰۹۱۲۱۲۳۴۵۶۷", "national_id": "76229645", "address": "تبریز، کوی نمونه"}
        return self.call("operator", "POST", "/cases", {
            "kind": "complaint", "channel": "phone", "category": "water", "subject": subject,
            "description": "سه روز است که آب محله قطع است.", "citizen": citizen, **more})

    def furnish(self):
        """One case in each state that a page shows differently, by name; each with its id and code."""
        step = lambda role, case, name, body: self.call(role, "POST", f"/cases/{case['id']}/{name}", body)
        cases = {"registered": self.register("آب محله قطع است")}
        referred = cases["referred"] = self.register("آسفالت خیابان خراب است")
        step("operator", referred, "referral", {"to": "IR-03-MUN", "reason": "در صلاحیت شهرداری است"})
        accepted = cases["in_progress"] = self.register("چراغ کوچه خاموش است", priority="urgent", tags=["روشنایی"])
        step("operator", accepted, "referral", {"to": "IR-03-MUN", "reason": "روشنایی معابر"})
        step("agency", accepted, "acceptance", {})
        step("agency", accepted, "notes", {"text": "کارشناس فرستاده شد"})
        disputed = cases["disputed"] = self.register("پاسخ داده شد ولی انجام نشد")
        step("operator", disputed, "answer", {"text": "انجام شد"})
        step("operator", disputed, "dispute", {"text": "هنوز قطع است"})
        closed = cases["closed"] = self.register("راهنمایی دربارهٔ وام")
        step("supervisor", closed, "closure", {"outcome": "advised", "text": "راهنمایی شد"})
        ministry = cases["ministry"] = self.register("گران‌فروشی در بازار", category="trade-prices")
        step("operator", ministry, "referral", {"to": "SAMT", "reason": "در صلاحیت وزارتخانه است"})
        self.await_at_hub(ministry["id"])
        return cases

    def await_at_hub(self, case):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if self.call("ministry", "GET", f"/cases/{case}")["seat"] == "hub":
                    return
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
            time.sleep(0.3)
        raise RuntimeError("the referral to the ministry did not reach the hub")
