"""What is right for each case of found.py: a function from what the case printed to a list of what is wrong with it.

The rules look at meaning, not at sentences: twins and their values, counts, states, exit codes, and words without which a person would be
misled. Docs: docs/review-2026-11.md says why each is right.
"""

import ast
import re

# A drop in one of these states has its data in the graph.
DONE = ("applied", "archived", "done")


class Output:
    """The parts of what an intake case prints."""

    def __init__(self, text):
        self.text = text
        self.wrong = []

    def twins(self, part=None):
        """The twins printed, by id, as dictionaries."""
        found = {}
        for line in (part or self.text).splitlines():
            if line.startswith("  twin {"):
                twin = ast.literal_eval(line.removeprefix("  twin "))
                found[twin["$dtId"]] = twin
        return found

    def drops(self, part=None):
        """The drops printed: (file, state, records, operations, code, message)."""
        found = []
        for line in (part or self.text).splitlines():
            match = re.match(r"  (\S.*?) (\S+) (\{.*?\}) (\{.*?\}) absent (\S+) (\S*) ?\| ?(.*)$", line)
            if match:
                name, state, records, operations, absent, code, message = match.groups()
                found.append({
                    "file": name, "state": state, "records": ast.literal_eval(records), "operations": ast.literal_eval(operations),
                    "absent": 0 if absent == "None" else int(absent), "code": code, "message": message})
        return found

    def drop(self, name, part=None):
        """The last drop of that file name."""
        named = [drop for drop in self.drops(part) if drop["file"].endswith(name)]
        if not named:
            self.wrong.append(f"no drop of {name} is listed")
            return {"file": name, "state": "", "records": {}, "operations": {}, "absent": 0, "code": "", "message": ""}
        return named[-1]

    def exits(self):
        return [int(code) for code in re.findall(r"run --once: exit (\d+)", self.text)]

    def must(self, true, wrong):
        if not true:
            self.wrong.append(wrong)

    def has(self, pattern, wrong, part=None):
        self.must(re.search(pattern, self.text if part is None else part, re.IGNORECASE | re.MULTILINE), wrong)

    def lacks(self, pattern, wrong, part=None):
        self.must(not re.search(pattern, self.text if part is None else part, re.IGNORECASE | re.MULTILINE), wrong)


RULES = {}


def rule(name):
    def keep(function):
        def judge(text):
            output = Output(text)
            output.lacks(r"\[not ended after", "it did not end")
            function(output)
            return output.wrong

        RULES[name] = judge
        return function

    return keep


def share(text, start, end=None):
    """The part of the text between two marks."""
    _, found, rest = text.partition(start)
    return (rest.partition(end)[0] if end else rest) if found else ""


@rule("intake/01")
def folder_made_anew(o):
    listed = share(o.text, "--- drops", "--- status")
    taken = any(d["file"] == "b.csv" and d["state"] in DONE for d in o.drops(listed))
    if not taken:
        o.must(o.exits()[-1:] == [1], "b.csv stays and run --once does not end with 1")
        for place, end in (("--- status", "--- why"), ("--- why", "--- doctor"), ("--- doctor", "--- the advice")):
            part = share(o.text, place, end)
            o.has(r"not watched|not served|adopt|another folder|owner", f"{place.strip('- ')} does not say why the folder is not watched", part)
        o.lacks(r"daemon takes it at once", "why says that it is taken at once")
        o.lacks(r"doctor exit 0", "doctor says all is well")


@rule("intake/02")
def numbers(o):
    twins = o.twins()
    for key in ("w-1", "w-2", "w-3", "w-4"):
        o.must("v" not in twins.get(key, {}), f"{key} has the value {twins.get(key, {}).get('v')}: a leading zero is no group")
    o.must(twins.get("w-5", {}).get("v") == 1234.5, "1.234,5 is not read as 1234.5")
    o.must(len(re.findall(r"^  reject ", o.text, re.MULTILINE)) >= 4, "the four cells are not rejected with a reason")


@rule("intake/04")
def renamed_rejects(o):
    o.has(r"twins before: 6", "the first delivery does not make 6 twins")
    after = re.search(r"twins after: (\d+)", o.text)
    o.must(after and int(after.group(1)) == 8, "there are not 8 twins after the corrected row")


@rule("intake/06")
def late_file(o):
    o.has(r"'status': 'idle'", "the newer status is gone")
    o.lacks(r"'status': 'active'", "the older file overwrote the newer state")
    late = o.drop("inv_20261121.csv")
    o.must(late["state"] not in DONE or late["operations"].get("superseded"), "the late file counts as applied")


@rule("intake/08")
def footers(o):
    first = share(o.text, "# 1", "# 2")
    o.must(o.twins(first).get("w-2", {}).get("name") == "bx", "1: the correction is lost")
    second = share(o.text, "# 2", "# 3")
    refused = re.search(r"run --once: exit 1", second)
    o.must(refused or "w-3" in o.twins(second), "2: the last row is lost without a word")
    third = share(o.text, "# 3")
    o.must("w-Total" not in o.twins(third), "3: the totals row is a twin")


@rule("intake/10")
def json_cells(o):
    twins = o.twins()
    o.must(twins.get("w-2", {}).get("j") == {"ok": 1}, "the good record is not applied")
    o.must("w-9" in twins, "the good file is not applied")
    o.must("w-1" not in twins, "the bad cell is applied")
    for drop in o.drops():
        o.must(drop["state"] in DONE + ("duplicate",), f"{drop['file']} is {drop['state']}")
        o.lacks("defect of the plugin", "the plugin is blamed")
    o.lacks("source is suspended", "the source is suspended")


@rule("intake/12")
def large_record(o):
    drop = o.drop("a.csv")
    o.must(drop["state"] in DONE, f"the file is {drop['state']}")
    o.must(drop["records"].get("rejected") == 1, "not just one record is rejected")
    o.must({"w-1", "w-3"} <= set(o.twins()) and "w-2" not in o.twins(), "records 1 and 3 are not applied")


@rule("intake/13")
def withheld(o):
    first = share(o.text, "4 assets sold", "cut in half")
    o.has(r"twins: (95|99)", "the number of twins is none that a rule gives", first)
    cut = o.drop("cut.csv")
    o.must(cut["state"] == "held", f"the file cut in half is {cut['state']}, not held")
    o.has(r"not deleted|withheld|missing from", "nothing says that deletions were withheld")


@rule("intake/15")
def nothing_usable(o):
    drop = o.drop("a.csv")
    o.must(drop["state"] in ("held", "quarantined"), f"a file of which nothing is usable is {drop['state']}")
    o.must(o.exits() == [1], "run --once does not end with 1")


@rule("intake/17")
def repeated_header(o):
    names = set(o.twins())
    o.must(len(o.drops()) == 2, "not both files are listed")
    o.must("w-id" not in names, "the repeated header is a twin")
    o.must(not any("FEFF" in n.upper() or "\ufeff" in n or "%EF%BB%BF" in n for n in names), "a byte order mark is part of an id")
    for drop in o.drops():
        o.must(
            drop["state"] in ("held", "quarantined") or {"a.csv": {"w-1", "w-2"}, "b.csv": {"w-3", "w-4"}}[drop["file"]] <= names,
            f"{drop['file']}: a row is lost")


@rule("intake/18")
def columns(o):
    missing, other = (o.text.split("run --once") + ["", ""])[1:3]
    o.must("w-1" in o.twins(missing) or re.match(r": exit 1", missing), "noheader: row 1 is lost without a word")
    twins = o.twins(other)
    o.must("w-x" not in twins, "reordered: the columns are swapped")
    o.must(twins.get("w-9", {}).get("name") == "x" or o.drop("reordered.csv")["state"] in ("held", "quarantined"), "reordered: lost")


@rule("intake/20")
def reserved_names(o):
    before = o.text.partition("run --once")[0]
    o.has(r"\$dtId", "source check does not refuse $dtId", before)
    o.has(r"line \d+|:\d+:\d+|\.yaml:\d+", "source check names no line", before)
    o.lacks(r'"\$dtId": ?"evil"', "a twin says $dtId twice")


@rule("intake/21")
def advice(o):
    taken = [d for d in o.drops() if "rejects" in d["file"]]
    if not taken:
        o.has(r"inv_\S*rejects", "the receipt's advice names no name that fits the patterns")
    else:
        o.must(taken[-1]["state"] in DONE, f"the corrected rejects are {taken[-1]['state']}")


@rule("intake/23")
def foreign_rejects(o):
    drops = [d for d in o.drops() if "rejects" in d["file"]]
    o.must(len(drops) >= 2, "the two files are not listed")
    for drop in drops:
        o.must(drop["state"] in ("held", "quarantined"), f"{drop['file']} is {drop['state']}")
        o.must(re.search(r"source|exist|no drop|unknown|other", drop["message"]), f"{drop['file']}: no reason names the drop")


@rule("intake/24")
def no_room(o):
    o.must(o.exits() == [1], "run --once does not end with 1")
    o.has(r"a\.csv", "the log is silent", share(o.text, "--- log:"))
    o.has(r"MiB|bytes|MB", "nothing says how much room is needed")
    o.lacks(r"ok\s+space", "doctor says that there is room")


@rule("intake/26")
def guarded_csv(o):
    o.lacks(r"(^|,)\"?=cmd", "=cmd leaves raw")
    o.lacks(r"(^|,)\"?@SUM", "@SUM leaves raw")
    o.lacks(r"\^\[", "an escape leaves raw")
    o.lacks(r"\^G", "a bell leaves raw")
    o.has(r"cmd\|x", "the value is lost")


@rule("intake/27")
def unseen_characters(o):
    o.has(r"u\{a0\}|U\+00A0", "the no-break space is not shown")
    o.has(r"u\{200b\}|U\+200B", "the zero-width space is not shown")
    o.lacks(r"\\\\u\{", "escapes are doubled")
    o.has(r"u\{308\}|U\+0308|normal form|compos", "the other normal form is not shown")


@rule("intake/29")
def other_formats(o):
    for name, word in (("a.csv", "xlsx|Excel|zip"), ("b.csv", r"xls|Excel|OLE"), ("c.csv", "HTML"), ("d.csv", "JSON"), ("e.csv.gz", "gzip")):
        message = o.drop(name)["message"]
        o.must(re.search(word, message, re.IGNORECASE), f"{name}: the message does not say {word}")
        o.must("quotation mark" not in message, f"{name}: the message speaks of quotation marks")


@rule("intake/31")
def flags(o):
    twins = o.twins()
    o.must(twins.get("w-1", {}).get("v") is True, "X is not true")
    told = re.search(r'nulls|never read as', o.text.partition("run --once")[0])
    o.must(twins.get("w-2", {}).get("v") is False or told, "the empty word is not false, and nothing says so")
    o.must(twins.get("w-3", {}).get("v") is True or "w-3" in twins or re.search(r"reject .*X", o.text), "x: no rule for case")


@rule("intake/33")
def lenient(o):
    twins = o.twins()
    o.must("w-2" in twins or o.drop("a.csv")["state"] in ("held", "quarantined") or o.drop("a.csv")["records"].get("rejected"), "rows 2 and 3 are gone")
    o.must(not any("\n" in str(t.get("name")) for t in twins.values()), "a cell holds the rows behind it")


@rule("intake/34")
def empty_file(o):
    o.must(o.drop("b.csv")["state"] in DONE, "b.csv waits behind an empty file")
    o.must(o.exits() == [0, 0], f"run --once ended with {o.exits()}")
    o.must(o.drop("empty.csv")["state"] not in ("quarantined", "held"), "the empty file is not just recorded")


@rule("intake/35")
def retried(o):
    first = o.drops()[0] if o.drops() else {"state": ""}
    o.must(first["state"] not in ("quarantined", ""), "the first drop stays quarantined")
    o.lacks(r"[1-9]\d* quarantined", "status counts a quarantined drop")
    o.must(any(d["state"] in DONE for d in o.drops()), "the retry is not applied")


@rule("intake/36")
def no_permission(o):
    o.has(r"^exit 1", "run --once does not end with 1")
    o.has(r"permission|may not|not allowed|not writable", "nothing says that the folder cannot be written to")
    o.lacks(r"daemon takes it at once", "why says that it is taken at once")


@rule("intake/38")
def fixed_zone(o):
    # The case itself declares a fixed offset, which stays right for a system that writes one: TimeZones tests show named zones.
    twins = o.twins()
    o.must(str(twins.get("w-1", {}).get("v", "")) in ("2026-01-15T12:00:00+01:00", "2026-01-15T11:00:00Z"), "12:00 at +01:00 is not 11:00 UTC")


@rule("intake/39")
def value_messages(o):
    o.has(r"yyyy|HH:mm", "the expected date format is not named")
    o.has(r"64 bits?|9223372036854775807|9,223", "the range of a whole number is not named")


@rule("intake/40")
def sample_plugins(o):
    names = o.twins()
    o.must(any(name.startswith("forklift-F") for name in names), "the forklift is lost")
    o.must(all(re.fullmatch(r"[A-Za-z0-9._~%\-:;=+@$!*'(),/?#\[\]&]+", name) for name in names), f"an id has other characters: {list(names)}")
    o.must(not any(" " in name for name in names), "an id holds a blank")


@rule("security/r01")
def duration(o):
    o.has(r"quarantined|held", "the drop is not set aside")
    o.lacks(r"exit 13[0-9]|exit -?[0-9]*[1-9][0-9]*.*(signal|trap)", "the daemon died")


@rule("security/r02")
def connections(o):
    o.lacks("DEAD", "the daemon died")
    o.has(r"exit 0", "the daemon did not stop cleanly")


@rule("security/r03")
def idle_worker(o):
    threads = re.search(r"after its drop: +(\d+)", o.text)
    # The daemon's other children have a few threads; an ended worker leaves none of its own.
    o.must(threads and int(threads.group(1)) <= 16, "an idle worker has more threads than it may")
    o.has(r"daemon: alive", "the daemon died")


@rule("security/r04")
def sandbox(o):
    o.lacks("TOP-SECRET-CANARY", "the plugin read a file outside its sandbox")
    o.has(r"source-suspended", "the source is not said to be suspended")
    o.lacks(r"loot.*(open|Permission|Success)", "the plugin's code ran without the whole sandbox")


@rule("security/r06")
def sparse(o):
    free = [int(n) for n in re.findall(r"free (\d+) MB", o.text)]
    o.must(free and min(free) > 300, f"the disk was filled: {free}")
    o.has(r"sparse|s\.csv|[1-9]\d*$", "the log is silent")


@rule("security/r07")
def modes(o):
    o.has(r"^700 \S+/state$", "state can be entered by others")
    o.lacks(r"^6[0-7][1-7] |^6[1-7][0-7] ", "a file of the database can be read by others")
    o.has(r"twin after 12 s: 200", "the drop was not applied")


@rule("security/r08")
def anonymous(o):
    o.has(r"POST /jobs/deletions: 40[13]", "another user's call is not refused")
    o.lacks(r"POST /jobs/deletions: 2", "another user may erase the graph")
    o.lacks(r"the twin: 200", "another user may read")


@rule("security/r09")
def recomputed(o):
    # The case prints the exit code of `tail`: the last line of verify has to say it.
    last = [line for line in o.text.splitlines() if line and not line.startswith("rc=")][-1:]
    o.must(last and not re.search(r"whole|no finding|0 findings|^ok", last[0], re.IGNORECASE), f"verify found nothing: {last}")


@rule("security/r11")
def spans(o):
    o.has(r"^(state|why)", "the drop has no end")
    sizes = [int(n) for n in re.findall(r"\S+ \d+ \S+ \S+ (\d+) .*rejects", o.text)]
    o.must(all(size < 8 << 20 for size in sizes), f"a rejects file of {sizes} bytes")


@rule("security/r12")
def keys(o):
    states = re.findall(r"^state:? +(\S+)", o.text, re.MULTILINE)
    o.must(len(states) == 3 and states[2] in DONE, f"the honest plugin's drop is not applied: {states}")


@rule("security/r15")
def hostile_archive(o):
    codes = re.findall(r"^(.+?): rc=(\d+)", o.text, re.MULTILINE)
    o.must(len(codes) == 8, "not all archives were looked at")
    for name, code in codes:
        o.must(code == "1", f"{name}: exit {code}")


@rule("security/r17")
def fairness(o):
    times = {name: float(t) for name, t in re.findall(r"^(alone|one|two): (\.?\d+\.?\d*) s", o.text, re.MULTILINE)}
    o.must({"alone", "one", "two"} <= set(times), "not all files arrived")
    for name in ("one", "two"):
        # No timing test: a file that waits behind thousands of others takes seconds more than one that does not.
        o.must(times.get(name, 99) < 3 + 5 * times.get("alone", 0), f"{name} took {times.get(name)} s, alone {times.get('alone')} s")


@rule("adt/01")
def source_time(o):
    o.lacks("^FAIL", "a published patch is refused")
    o.must(len(re.findall(r"^ok ", o.text, re.MULTILINE)) == 6, "not all six patches were made")


@rule("adt/02")
def blanks(o):
    lines = [line for line in o.text.splitlines() if "->" in line]
    o.must(len(lines) == 5, "not all five queries were asked")
    for line in lines[:4]:
        o.must("(400" not in line, f"refused: {line[:80]}")
    if lines[4:]:
        o.must(re.search(r"U\+2018|u\{2018\}", lines[4]), "the message does not name the code point of the quotation mark")


@rule("adt/03")
def import_sample(o):
    if re.search(r"^succeeded", o.text, re.MULTILINE):
        o.has(r"COUNT'?: 1|relationships: \[\{'COUNT': 1\}\]", "the relationship is not there")
    else:
        # docs/twin-api.md, "What differs from the service": names count with the case of their letters. Then the log has to name the one that differs.
        o.has(r"relationshipProperty1", "the published file does not import, and the log does not name the property")
