#!/usr/bin/env python3
"""Runs small cases that were found from outside, and judges what they print by the rules of judges.py.

    found.py DIR --build FOLDER [--venv FOLDER] [--only WORD] [--show]

DIR holds cases in three forms: intake/NN/run.sh (a home and files, TWINDROP names the program), security/NAME.sh (BIN names the folder of the
programs, SRC a checkout) and adt/NN-name/*.py (TWINDROP_URL names a running daemon; its home is the argument). A single folder of one of these
forms may be given, too. Each case runs in a copy of its own. A case may bring a judge of its own: a file `judge.py` beside it with
`def judge(text): -> list of what is wrong`. A case that no rule knows is a miss: nobody has said what is right.

Prints one line a case: pass, FAIL with what is wrong, or not run with the reason. Ends with 1 if any case failed or has no rule, and with 77 if
there was no case.
"""

import argparse
import importlib.util
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

    def output(self, arguments, place):
        copy = Path(shutil.copytree(self.folder, place / "case", symlinks=True))
        return run(["bash", str(copy / "run.sh")], copy, {"TWINDROP": str(arguments.build / "twindrop")})


class Security:
    """A script beside lib.sh and the sources of hostile plugins."""

    def __init__(self, script):
        self.script, self.name = script, "security/" + script.name.split("-")[0]

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
            [script] = sorted((copy / self.folder.name).glob("*.py"))
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


def rule(case):
    """The judge that comes with the case, or the project's; None where there is neither."""
    folder = getattr(case, "folder", None)
    own = folder / "judge.py" if folder else None
    if own and own.exists():
        spec = importlib.util.spec_from_file_location("own_judge", own)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.judge
    return judges.RULES.get(case.name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--build", type=Path, required=True, help="folder of twindrop, twindrop-worker and twindrop-watch")
    parser.add_argument("--source", type=Path, default=HERE.parent.parent, help="a checkout, for its headers")
    parser.add_argument("--venv", type=Path, help="a virtual environment with azure-digitaltwins-core")
    parser.add_argument("--only", default="", help="only cases whose name holds this word")
    parser.add_argument("--show", action="store_true", help="print what each case printed")
    arguments = parser.parse_args()
    arguments.build, arguments.source = arguments.build.resolve(), arguments.source.resolve()
    arguments.venv = arguments.venv and Path(os.path.abspath(arguments.venv))
    if not arguments.folder.is_dir():
        print(f"found.py: there is no folder {arguments.folder}. Name one with cases: make found FOUND=DIR", file=sys.stderr)
        return 64

    counts = {"passed": 0, "failed": 0, "not run": 0}
    for case in cases(arguments.folder.resolve()):
        if arguments.only not in case.name:
            continue
        began, text = time.monotonic(), ""
        try:
            judge = rule(case)
            with tempfile.TemporaryDirectory(prefix="td-found-") as place:
                text, _ = case.output(arguments, Path(place))
            if judge is None:
                wrong = ["no rule says what is right: add it to judges.py, or a judge.py beside the case"]
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
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
