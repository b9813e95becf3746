#!/usr/bin/env python3
"""Runs small cases that were found from outside, and judges what they print by the rules of judges.py.

    found.py DIR --build FOLDER [--venv FOLDER] [--only WORD] [--show]

DIR holds cases in three forms: intake/NN/run.sh (a home and files, TWINDROP names the program), security/NAME.sh (BIN names the folder of the
programs, SRC a checkout) and adt/NN-name/*.py (TWINDROP_URL names a running daemon; its home is the argument). A single folder of one of these
forms may be given, too. Each case runs in a copy of its own.

What is right, the first of these that there is:

1. what the case brings: `judge.py` with `def judge(text): -> list of what is wrong`, or `expected`, a text that the output has to be. They lie in
   its folder; of security/NAME.sh they are NAME.judge.py and NAME.expected;
2. the rule of judges.py under its number, where known.json says that the rule was written for these very files: another case may have the number.

A case that no rule knows is a miss: nobody has said what is right. So is one that could not be run, unless --allow-not-run is given: what was not
tried is not known to work.

Prints one line a case: pass, FAIL with what is wrong, or not run with the reason. Ends with 1 if any case failed, has no rule or was not run, and
with 77 if there was no case. --learn writes known.json anew for the cases of DIR that judges.py has rules for.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import judges  # noqa: E402

SECONDS_MAX = 300


class NotRun(Exception):
    """The case cannot be run on this machine; the text says why."""


# Cases that wait for the daemon to end by itself, as it once did: they end only when it is told to, every so many seconds.
TOLD_TO_END = {"security/r01": 12}


def tell_to_end(group):
    """Sends SIGTERM to the daemons of a process group."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) == group and (entry / "comm").read_text().strip() == "twindrop":
                os.kill(int(entry.name), signal.SIGTERM)
        except OSError:
            pass


def run(command, folder, environment, seconds=SECONDS_MAX, told=0):
    """What the command printed on both streams. All that it started ends with it. `told`: see TOLD_TO_END."""
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True)
    try:
        over = time.monotonic() + seconds
        while told and time.monotonic() < over:
            try:
                process.communicate(timeout=told)
                break
            except subprocess.TimeoutExpired:
                tell_to_end(process.pid)
        text, _ = process.communicate(timeout=max(1, over - time.monotonic()))
        ended = ""
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        text, _ = process.communicate()
        ended = f"\n[not ended after {seconds} s]"
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return text.decode("utf-8", "replace") + ended, process.returncode


class Intake:
    """A folder with run.sh, home and files."""

    def __init__(self, folder):
        self.folder, self.name = folder, "intake/" + folder.name
        self.judge, self.expected = folder / "judge.py", folder / "expected"
        self.files = [folder / "run.sh", *sorted((folder / "home").rglob("*")), *sorted((folder / "in").rglob("*"))]

    def output(self, arguments, place):
        copy = Path(shutil.copytree(self.folder, place / "case", symlinks=True))
        return run(["bash", str(copy / "run.sh")], copy, {"TWINDROP": str(arguments.build / "twindrop")})


class Security:
    """A script beside lib.sh and the sources of hostile plugins."""

    def __init__(self, script):
        self.script, self.name = script, "security/" + script.name.split("-")[0]
        self.judge, self.expected = script.with_suffix(".judge.py"), script.with_suffix(".expected")
        self.files = [script]

    def output(self, arguments, place):
        if os.geteuid() != 0:
            raise NotRun("it changes users and mounts, so it needs root")
        copy = Path(shutil.copytree(self.script.parent, place / "case", symlinks=True))
        place.chmod(0o755)
        text = self.script.read_text(errors="replace")
        for module in re.findall(r"^import (\w+); from \1 import", text, re.MULTILINE):
            if not (copy / (module + ".py")).exists():
                raise NotRun(f"the case needs {module}.py, which is not beside it")
        adversary = Path("/tmp/td-adv")  # The cases name this folder themselves.
        adversary.mkdir(exist_ok=True)
        adversary.chmod(0o755)
        return run(
            ["bash", str(copy / self.script.name)], copy,
            {"BIN": str(arguments.build), "SRC": str(arguments.source)}, seconds=420, told=TOLD_TO_END.get(self.name, 0))


class Service:
    """A Python program that talks to a running daemon with Azure's SDK."""

    def __init__(self, folder):
        self.folder, self.name = folder, "adt/" + folder.name.split("-")[0]
        self.judge, self.expected = folder / "judge.py", folder / "expected"
        self.files = sorted(path for path in folder.glob("*.py") if path.name != "judge.py")

    def output(self, arguments, place):
        if arguments.venv is None or not (arguments.venv / "bin/python").exists():
            raise NotRun("it needs Azure's SDK: name a virtual environment with --venv (make found brings one)")
        twindrop, home = str(arguments.build / "twindrop"), place / "home"
        subprocess.run([twindrop, "init", str(home)], check=True, stdout=subprocess.DEVNULL)
        log = open(place / "log", "wb")
        daemon = subprocess.Popen(
            [twindrop, "run", "--home", str(home), "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=log)
        try:
            if daemon.stdout.readline().strip() != b"ready":
                return "the daemon did not start: " + (place / "log").read_text(errors="replace")[-400:], 1
            (home / "jobs").mkdir(exist_ok=True)
            copy = Path(shutil.copytree(self.folder.parent, place / "adt", symlinks=True))
            [script] = sorted(path for path in (copy / self.folder.name).glob("*.py") if path.name != "judge.py")
            # `i` is the name of a job, which one published case leaves to its reader.
            start = "import builtins, runpy, sys; builtins.i = 'docs1'; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
            return run(
                [str(arguments.venv / "bin/python"), "-c", start, str(script), str(home)], copy,
                {"TWINDROP_URL": (home / "state/endpoint").read_text().strip(), "PYTHONDONTWRITEBYTECODE": "1"})
        finally:
            daemon.terminate()
            try:
                daemon.wait(30)
            except subprocess.TimeoutExpired:
                daemon.kill()
            log.close()


def cases(folder):
    """The cases below a folder of any of the three forms, or of all of them."""
    found = []
    for script in sorted(folder.glob("**/run.sh")):
        found.append(Intake(script.parent))
    for script in sorted(folder.glob("**/*.sh")):
        if script.name not in ("run.sh", "lib.sh") and (script.parent / "lib.sh").exists():
            found.append(Security(script))
    for library in sorted(folder.glob("**/lib/adt.py")):
        for program in sorted(library.parent.parent.glob("*/*.py")):
            if program.parent != library.parent:
                found.append(Service(program.parent))
    return found


KNOWN = HERE / "known.json"


def fingerprint(case):
    """SHA-256 over the names and contents of the files that make the case."""
    total = hashlib.sha256()
    for path in case.files:
        if path.is_file() and not path.is_symlink():
            total.update(path.name.encode("utf-8", "surrogateescape") + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def exactly(path):
    """A judge that compares with a text, blanks at the ends of lines aside."""
    def lines(text):
        return [line.rstrip() for line in text.strip().splitlines()]

    def judge(text):
        wanted, got = lines(path.read_text(errors="replace")), lines(text)
        if wanted == got:
            return []
        at = next((n for n, pair in enumerate(zip(wanted, got)) if pair[0] != pair[1]), min(len(wanted), len(got)))
        return [f"line {at + 1} is not as in {path.name}"]

    return judge


def rule(case, known):
    """The judge that comes with the case, or the project's for it; None where there is neither."""
    if case.judge.exists():
        spec = importlib.util.spec_from_file_location("own_judge", case.judge)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.judge
    if case.expected.exists():
        return exactly(case.expected)
    return judges.RULES.get(case.name) if known.get(case.name) == fingerprint(case) else None


def learn(folder):
    """Writes down for which files the rules of judges.py were written."""
    found = {case.name: fingerprint(case) for case in cases(folder) if case.name in judges.RULES}
    KNOWN.write_text(json.dumps(dict(sorted(found.items())), indent=2) + "\n")
    print(f"{len(found)} cases of {len(judges.RULES)} rules")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--build", type=Path, default=Path(".build/release"), help="folder of twindrop, twindrop-worker and twindrop-watch")
    parser.add_argument("--source", type=Path, default=HERE.parent.parent, help="a checkout, for its headers")
    parser.add_argument("--venv", type=Path, help="a virtual environment with azure-digitaltwins-core")
    parser.add_argument("--only", default="", help="only cases whose name holds this word")
    parser.add_argument("--show", action="store_true", help="print what each case printed")
    parser.add_argument("--allow-not-run", action="store_true", help="a case that cannot be run here is no failure")
    parser.add_argument("--learn", action="store_true", help="run nothing; write known.json for the cases of DIR")
    arguments = parser.parse_args()
    arguments.build, arguments.source = arguments.build.resolve(), arguments.source.resolve()
    arguments.venv = arguments.venv and Path(os.path.abspath(arguments.venv))
    if not arguments.folder.is_dir():
        print(f"found.py: there is no folder {arguments.folder}. Name one with cases: make found FOUND=DIR", file=sys.stderr)
        return 64

    if arguments.learn:
        learn(arguments.folder.resolve())
        return 0
    known = json.loads(KNOWN.read_text()) if KNOWN.exists() else {}

    counts = {"passed": 0, "failed": 0, "not run": 0}
    for case in cases(arguments.folder.resolve()):
        if arguments.only not in case.name:
            continue
        began, text = time.monotonic(), ""
        try:
            judge = rule(case, known)
            with tempfile.TemporaryDirectory(prefix="td-found-") as place:
                text, _ = case.output(arguments, Path(place))
            if judge is None:
                wrong = ["no rule says what is right for these files: put judge.py or expected beside the case, or a rule into judges.py"]
            else:
                wrong = judge(text)
            word = "failed" if wrong else "passed"
        except NotRun as reason:
            word, wrong = "not run", [str(reason)]
        counts[word] += 1
        shown = {"passed": "pass", "failed": "FAIL", "not run": "not run"}[word]
        print(f"{shown:8}{case.name:14}{time.monotonic() - began:6.1f} s  {'; '.join(wrong)}", flush=True)
        if arguments.show or word == "failed":
            print("".join("        | " + line + "\n" for line in text.splitlines()[:200]), end="", flush=True)
    print(", ".join(f"{number} {word}" for word, number in counts.items()))
    if not any(counts.values()):
        print(f"found.py: no case in {arguments.folder}.", file=sys.stderr)
        return 77
    if counts["not run"] and not arguments.allow_not_run:
        print("found.py: what was not run is not known to work; --allow-not-run lets it pass.", file=sys.stderr)
        return 1
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
