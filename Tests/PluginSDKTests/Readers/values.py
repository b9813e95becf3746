"""The independent reader of values: a corpus of cells, and what each is by the documents (Plugins/mapping/README.md).

usage: values.py SEED CELLS; prints one JSON object per line: the settings of a property, cells, and for each cell what it is:
a list ["int", 5], ["double", bits], …, null for refused, "absent" for no value. It shares no code with the reader under test:
numbers are read with regular expressions, decimal and fractions, times with datetime and zoneinfo, JSON with json.
"""
import json
import random
import re
import struct
import sys
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

seed, count = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(seed)
EPOCH = datetime(1970, 1, 1)
MICRO = timedelta(microseconds=1)


class Refused(Exception):
    pass


# -- Numbers ------------------------------------------------------------------------------------------------------------


def is_full(value, exact):
    """Whether a double, written with as many significant digits as `exact` has, gives these digits again."""
    digits = exact.as_tuple().digits
    text = "".join(map(str, digits)).strip("0")
    if not text:
        return True
    exponent = exact.as_tuple().exponent + len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return abs(Fraction(value) - Fraction(exact)) <= Fraction(10) ** exponent / 2


def as_double(text, rounds):
    if int(re.search(r"[eE]([+-]?\d+)$", text).group(1) if re.search(r"[eE]", text) else 0) > 5000:
        if set(re.sub(r"[eE].*", "", text)) - set("+-0."):
            raise Refused
        return ["double", 0]
    exact = Decimal(text)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise Refused
    if exact != 0 and exact.adjusted() < -400:
        full = False
    else:
        full = is_full(value, exact)
    if not full and not rounds:
        raise Refused
    return ["double", struct.unpack("<q", struct.pack("<d", value + 0.0 if value else 0.0))[0]]


def plain_number(cell, point, group):
    """The number as Python writes it, and what follows it."""
    p, g = re.escape(point), re.escape(group)
    whole = r"\d+" if not group else rf"(?:[1-9]\d{{0,2}}(?:{g}\d{{3}})+(?!{g}?\d)|\d+)"
    if group == " ":
        whole = r"(?:[1-9]\d{0,2}(?: \d{3})+(?! ?\d)|\d+(?! \d))"
    elif group:
        whole = rf"(?:[1-9]\d{{0,2}}(?:{g}\d{{3}})+(?!{g}|\d)|\d+(?!{g}|\d))"
    match = re.match(rf"([+-]?)(?:({whole})(?:{p}(\d*))?|{p}(\d+))([eE][+-]?\d+)?", cell, re.ASCII)
    if not match:
        raise Refused
    sign, before, after, only, power = match.groups()
    digits = (before or "0").replace(group, "") if group else (before or "0")
    return sign + digits + "." + (after or only or "0") + (power or ""), cell[match.end():]


BLANKS = " \t\u00a0\u2009\u202f"
UNIT = re.compile(
    r"(?:[^\W\d_]|[%‰°µ²³$€£Ω\"'′″])(?:[^\W\d_]|[%‰°µ²³$€£Ω\"'′″/*·^\-.() ]|(?<=[^\W\d_])[23](?![\w%‰°$€£\"'′″])|(?<=\^)[23](?![\w%‰°$€£\"'′″]))*(?<![/*·^\-])$")


class Unit:
    """The unit of a file, for `unit: true`."""
    first = None


def number(cell, setting, kind, state):
    point, group = setting.get("decimal", "."), setting.get("group", "none")
    group = "" if group == "none" else group
    unit = setting.get("unit")
    if isinstance(unit, (str, list)):
        for word in sorted([unit] if isinstance(unit, str) else unit, key=lambda w: -len(w.encode())):
            if cell.endswith(word) and len(cell) > len(word):
                cell = cell[: len(cell) - len(word)].rstrip(BLANKS) if word else cell
                break
        else:
            raise Refused
    text, rest = plain_number(cell, point, group)
    if rest:
        rest = rest.strip(BLANKS)
        if unit is not True or (rest and not UNIT.match(rest)):
            raise Refused
    if unit is True:
        state.first = rest if state.first is None else state.first
        if state.first != rest:
            raise Refused
    if kind == "double":
        return as_double(text, setting.get("round", False))
    power = re.search(r"[eE]([+-]?\d+)$", text)
    if power and abs(int(power.group(1))) > 5000:
        if set(re.sub(r"[eE].*", "", text)) - set("+-0.") and not (setting.get("round") and int(power.group(1)) < 0):
            raise Refused
        return ["int", 0]
    exact = Fraction(text)
    if exact.denominator != 1 and setting.get("round", False):
        half = Fraction(1, 2) if exact > 0 else Fraction(-1, 2)
        exact = Fraction(int(exact + half))
    if exact.denominator != 1 or not -(2**63) <= exact < 2**63:
        raise Refused
    return ["int", int(exact)]


# -- Dates and times ----------------------------------------------------------------------------------------------------

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
OFFSET = r"(?P<z>[Zz]|[+-]\d\d(?::?\d\d)?)"
FORMS = {
    "yyyy-MM-dd": r"(?P<y>\d{4})-(?P<M>\d\d)-(?P<d>\d\d)",
    "d.M.yyyy": r"(?P<d>\d{1,2})\.(?P<M>\d{1,2})\.(?P<y>\d{4})",
    "dd.MM.yy": r"(?P<d>\d\d)\.(?P<M>\d\d)\.(?P<yy>\d\d)",
    "yyyyMMdd": r"(?P<y>\d{4})(?P<M>\d\d)(?P<d>\d\d)",
    "d-MMM-yyyy": r"(?P<d>\d{1,2})-(?P<m>[A-Za-z]{3})-(?P<y>\d{4})",
    "yyyy-MM-dd[ HH:mm:ss]": r"(?P<y>\d{4})-(?P<M>\d\d)-(?P<d>\d\d)(?: (?P<H>\d\d):(?P<mi>\d\d):(?P<s>\d\d))?",
    "yyyy-MM-dd['T'][' ']HH:mm[:ss][.S][XXX]":
        r"(?P<y>\d{4})-(?P<M>\d\d)-(?P<d>\d\d)T? ?(?P<H>\d\d):(?P<mi>\d\d)(?::(?P<s>\d\d)(?:\.(?P<f>\d{1,9}))?)?" + OFFSET + "?",
    "dd.MM.yyyy HH:mm": r"(?P<d>\d\d)\.(?P<M>\d\d)\.(?P<y>\d{4}) (?P<H>\d\d):(?P<mi>\d\d)",
    "M/d/yyyy h:mm:ss a": r"(?P<M>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4}) (?P<h>\d{1,2}):(?P<mi>\d\d):(?P<s>\d\d) (?P<a>[AaPp][Mm])",
    "yyyyMMddHHmmssSSS": r"(?P<y>\d{4})(?P<M>\d\d)(?P<d>\d\d)(?P<H>\d\d)(?P<mi>\d\d)(?P<s>\d\d)(?P<f>\d{3})",
    "HH:mm[:ss][.S]": r"(?P<H>\d\d):(?P<mi>\d\d)(?::(?P<s>\d\d)(?:\.(?P<f>\d{1,9}))?)?",
    "H:mm:ss": r"(?P<H>\d{1,2}):(?P<mi>\d\d):(?P<s>\d\d)",
}


def parse(cell, form):
    match = re.fullmatch(FORMS[form], cell, re.ASCII)
    if not match:
        raise Refused
    return {key: value for key, value in match.groupdict().items() if value is not None}


def day_of(parts):
    month = MONTHS.index(parts["m"].lower()) + 1 if "m" in parts and parts["m"].lower() in MONTHS else int(parts.get("M", 0))
    year = int(parts["y"]) if "y" in parts else int(parts["yy"]) + (2000 if int(parts["yy"]) < 70 else 1900)
    try:
        return date(year, month, int(parts["d"]))
    except ValueError:
        raise Refused


def micros(parts, rounds):
    """Since midnight."""
    hour = int(parts.get("H", 0))
    if "h" in parts:
        hour = int(parts["h"])
        if not 1 <= hour <= 12:
            raise Refused
        hour = hour % 12 + (12 if parts["a"].lower() == "pm" else 0)
    minute, second = int(parts.get("mi", 0)), int(parts.get("s", 0))
    if hour > 23 or minute > 59 or second > 59:
        raise Refused
    nano = int((parts.get("f", "0") + "0" * 9)[:9])
    if nano % 1000 and not rounds:
        raise Refused
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + (nano + 500) // 1000


def a_date(cell, setting):
    parts = parse(cell, setting.get("format", "yyyy-MM-dd"))
    day, time = day_of(parts), micros(parts, True)
    if time and not setting.get("round"):
        raise Refused
    return ["date", (day - date(1970, 1, 1)).days]


def a_time(cell, setting):
    time = micros(parse(cell, setting.get("format", "HH:mm[:ss][.S]")), setting.get("round", False))
    if time >= 86_400_000_000:
        raise Refused
    return ["time", time]


def offset_minutes(text):
    if text in "Zz":
        return 0
    digits = text[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 23 or minutes > 59:
        raise Refused
    return (hours * 60 + minutes) * (-1 if text[0] == "-" else 1)


LEAST = (datetime(1, 1, 1) - EPOCH) // MICRO
MOST = (datetime(9999, 12, 31, 23, 59, 59, 999999) - EPOCH) // MICRO


def moment(micro, minutes):
    if not LEAST <= micro <= MOST or not LEAST <= micro + minutes * 60_000_000 <= MOST:
        raise Refused
    return ["dateTime", micro, minutes]


def a_moment(cell, setting):
    parts = parse(cell, setting.get("format", "yyyy-MM-dd['T'][' ']HH:mm[:ss][.S][XXX]"))
    day, time = day_of(parts), micros(parts, setting.get("round", False))
    local = (datetime(day.year, day.month, day.day) - EPOCH) // MICRO + time
    name = setting.get("zone", "Z")
    if "z" in parts:
        name = None
        minutes = offset_minutes(parts["z"])
    elif name == "Z" or name[0] in "+-":
        minutes, name = offset_minutes(name), None
    if name is None:
        return moment(local - minutes * 60_000_000, minutes)
    try:
        wall = EPOCH + timedelta(microseconds=local)
    except OverflowError:
        raise Refused
    zone = ZoneInfo(name)
    first, second = (wall.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    chosen = first
    if first != second:
        # The offset before the change (fold 0) is the smaller one in a gap, the larger one in an overlap.
        rule = setting.get("gap" if first < second else "overlap", "reject")
        if rule == "reject":
            raise Refused
        chosen = max(first, second) if rule == "earlier" else min(first, second)
    at = local - chosen // MICRO
    if not LEAST <= at <= MOST:
        raise Refused
    shown = (EPOCH + timedelta(microseconds=at)).replace(tzinfo=timezone.utc).astimezone(zone).utcoffset() if first != second else first
    seconds = shown // timedelta(seconds=1)
    return moment(at, seconds // 60 if seconds % 60 == 0 else 0)


# -- Durations ----------------------------------------------------------------------------------------------------------

UNITS = {"microseconds": 1, "milliseconds": 1000, "seconds": 10**6, "minutes": 60 * 10**6, "hours": 3600 * 10**6, "days": 86400 * 10**6}


def whole_micros(exact, rounds):
    if exact.denominator != 1:
        if not rounds:
            raise Refused
        exact = Fraction((abs(exact) * 2 + 1).__floor__() // 2 * (1 if exact > 0 else -1))
    if abs(exact) >= 2**63:
        raise Refused
    return int(exact)


def a_duration(cell, setting):
    rounds = setting.get("round", False)
    if "unit" in setting:
        text, rest = plain_number(cell, setting.get("decimal", "."), "")
        if rest:
            raise Refused
        power = re.search(r"[eE]([+-]?\d+)$", text)
        if power and abs(int(power.group(1))) > 5000:
            if set(re.sub(r"[eE].*", "", text)) - set("+-0.") and not (rounds and int(power.group(1)) < 0):
                raise Refused
            return ["duration", 0, 0]
        return ["duration", 0, whole_micros(Fraction(text) * UNITS[setting["unit"]], rounds)]
    n = r"\d+(?:[.,]\d+)?"
    match = re.fullmatch(
        rf"(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:({n})W)?(?:({n})D)?(?:T(?:({n})H)?(?:({n})M)?(?:({n})S)?)?", cell, re.ASCII)
    if not match or cell.endswith(("P", "T")):
        raise Refused
    sign, years, months, *rest = match.groups()
    stated = [part for part in match.groups()[1:] if part is not None]
    if not stated or any(re.search("[.,]", part) for part in stated[:-1]):
        raise Refused
    if rest[0] is not None and (years is not None or months is not None):
        raise Refused
    total = int(years or 0) * 12 + int(months or 0)
    micro = Fraction(0)
    for part, unit in zip(rest, [7 * UNITS["days"], UNITS["days"], UNITS["hours"], UNITS["minutes"], UNITS["seconds"]]):
        if part is not None:
            micro += Fraction(part.replace(",", ".")) * unit
    if total > 292000 * 12:
        raise Refused
    micro = whole_micros(micro, rounds)
    factor = -1 if sign else 1
    return ["duration", total * factor, micro * factor]


# -- Flags and JSON -----------------------------------------------------------------------------------------------------

TRUE, FALSE = ["true", "1", "yes", "y", "t", "on"], ["false", "0", "no", "n", "f", "off"]


def fold(word):
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in word)


def a_flag(cell, setting):
    if fold(cell) in map(fold, setting.get("trueWords", TRUE)):
        return ["bool", True]
    if fold(cell) in map(fold, setting.get("falseWords", FALSE)):
        return ["bool", False]
    if cell == "":
        return "absent"
    raise Refused


def depth_of(value):
    if isinstance(value, dict):
        return 1 + max([depth_of(item) for item in value.values()], default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


def a_json(cell, setting):
    def unique(pairs):
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            raise Refused
        for name in names:
            name.encode()
        return dict(pairs)

    def constant(_):
        raise Refused

    def whole(text):
        return ("int", int(text)) if -(2**63) <= int(text) < 2**63 else tuple(as_double(text, False))

    try:
        value = json.loads(cell, object_pairs_hook=unique, parse_constant=constant, parse_int=whole,
                           parse_float=lambda text: tuple(as_double(text, False)))
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Refused
    if depth_of(value) > 32:
        raise Refused
    return ["json", tagged(value)]


# What a JSON text says, with the kind of each value: numbers are tuples of theirs already.
def tagged(value):
    if isinstance(value, dict):
        return ["object", [[name, tagged(item)] for name, item in value.items()]]
    if isinstance(value, list):
        return ["array", [tagged(item) for item in value]]
    return list(value) if isinstance(value, tuple) else value


# -- The corpus ---------------------------------------------------------------------------------------------------------

NUMBERS = """0 1 -1 +7 007 1234 12345 1234567 1.234 1,234 1.234.567 1,234,567 1.234,5 1,234.5 0.500 0,500 -0.250 -0,250 0.001 000.500
.5 ,5 5. 5, - + . 1.2.3 1,2,3 1.23 1,23 1.2345 12.34 1234.567 1e3 1E3 1e-3 1.5e3 1e 1e+ 1e999 1e-999 9e307 5e-324 1- 100- 1+ (5)
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 18446744073709551615 9007199254740993
12345678901234567890 0.1 0.10000000000000001 0.30000000000000004 3.14159265358979323846 0.33333333333333333333 1'234 1'234'567
1 234 1_234 1_234_567 1 kg 3.200 kg 3,200 kg 5kg 5 kg 200 g 50% 50 % 12:30 3/4 5h30 2m3 7 m/s 1 234 kg 0x10 nan inf Infinity 1e5 kg
1.000 1,000 10.000 0.000 0 00 -0 -0.0 1.0 1.50 100000000000000000000 1e22 1e23 123456789012345678901234567890 1.7976931348623157e308
8.5e-310 4.35 -.5 +.5 --5 5e 5e3 5E3kg 3 °C 3°C 12 " 1.234.56 1.23.456 1.2345.678 999.999 1000.000 1.234-""".replace("\n", " ")
DATES = """2024-02-29 2023-02-29 2024-13-01 2024-00-10 2024-1-1 24-01-01 0000-01-01 0001-01-01 9999-12-31 1.2.2024 01.02.2024 31.4.2024
32.1.2024 29.02.24 29.02.70 29.02.00 20240229 20230229 2024022 202402290 3-Mar-2024 3-Mrz-2024 30-Feb-2024 03-jun-1999
2024-02-29_00:00:00 2024-02-29_12:30:00 2024-02-29_24:00:00 2024-02-29_00:00:60 2024-02-29T00:00:00 31.12.1999 1/2/2024""".split()
TIMES = """08:30 08:30:15 8:30:15 23:59:59 24:00 24:00:00 12:60 12:00:60 08:30.5 08:30:15.5 08:30:15.123456 08:30:15.1234567
08:30:15.123456000 23:59:59.9999999 08:30:15. 0830 8:3:1 00:00 -1:00 08:30Z""".split()
MOMENTS = """2024-02-29T12:00:00 2024-02-29_12:00 2024-02-29T12:00:00Z 2024-02-29T12:00:00z 2024-02-29T12:00:00+01:00
2024-02-29T12:00:00+0100 2024-02-29T12:00:00+01 2024-02-29T12:00:00+1 2024-02-29T12:00:00+01:5 2024-02-29T12:00:00+015
2024-02-29T12:00:00-23:59 2024-02-29T12:00:00+24:00 2024-02-29T12:00:00+01:60 0001-01-01T00:00:00 0001-01-01T00:00:00+01:00
0001-01-01T00:00:00-01:00 9999-12-31T23:59:59 9999-12-31T23:59:59-01:00 9999-12-31T23:59:59+01:00 9999-12-31T23:59:59.9999999
2024-02-29T12:00:00.1234567 2024-02-29T12:00:00.123456Z 2026-07-01T12:00:00 2026-01-01T12:00:00 2026-03-29T02:30:00
2026-03-29T01:59:59 2026-03-29T03:00:00 2026-03-29T02:00:00 2026-10-25T02:30:00 2026-10-25T01:59:59 2026-10-25T03:00:00
2026-10-25T02:00:00 2026-10-25T02:59:59 2026-03-08T02:30:00 2026-11-01T01:30:00 2026-04-05T01:45:00 2026-10-04T02:15:00
1900-01-01T00:00:00 1850-06-01T12:00:00 2011-12-30T12:00:00 2100-07-01T12:00:00 2500-03-28T02:30:00 1916-04-30T23:30:00
01.07.2026_12:00 29.03.2026_02:30 25.10.2026_02:30 7/1/2026_12:00:00_AM 7/1/2026_0:00:00_AM 7/1/2026_13:00:00_PM 7/1/2026_1:05:09_pm
20260701120000123 20260701120000 2026070112000012""".split()
DURATIONS = """PT1H30M P1Y2M3DT4H5M6.5S P2W -PT15M P1D PT0.5H P0.5D PT1.5H30M P1Y2W P1W2D PT P P1 PT1 1H P1H PT1M1H P1.5Y P1.D PT1,5S
PT0.0000001H PT0.0000001S PT0.1234567S P15250284.99999W P99999999999Y P178956970Y7M P178956970Y8M PT9223372036854.775807S
PT9223372036854.775808S +P1D p1d P1DT PT1H-1M P1Y1Y""".split()
JSONS = [
    "1", "[1]", "[1", '{"a":1}', '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"a":{"a":1}}', "1e999", "-1e999", '"\\ud800"', '"\\udc00"',
    '"\\ud83d\\ude00"', '"\\ud800\\u0041"', "01", "1.", ".5", "-", "nul", "null", "true", "NaN", "Infinity", "'a'", "[1,]", "{,}",
    '{"a":}', '{"a"}', " [1] ", "[1] x", "12345678901234567890", "9223372036854775807", "9223372036854775808", "0.1",
    "0.12345678901234567890", "1e-999", "[" * 32 + "]" * 32, "[" * 33 + "]" * 33, '"\\u0000"', '"\\x"', '"é"', "1E5", "-0", '""', "[]",
    '{"type":"Point","coordinates":[8.5,47.3]}', '{"":0}']
FLAGS = ["true", "TRUE", "1", "yes", "0", "no", "X", "x", "", " ", "ja", "Ja", "JA", "nein", "t", "f", "on", "OFF", "wahr", "2", "-", "N"]
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "America/Sao_Paulo", "Pacific/Apia",
         "Europe/Dublin", "Asia/Gaza", "America/St_Johns"]


def random_number():
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(1, rng.choice([3, 7, 18, 25]))))
    for _ in range(rng.randint(0, 2)):
        at = rng.randint(0, len(digits))
        digits = digits[:at] + rng.choice(".,.,.,' _e-") + digits[at:]
    return rng.choice(["", "", "-", "+"]) + digits


def random_moment():
    around = rng.choice([None, datetime(2026, 3, 29, 2), datetime(2026, 10, 25, 2), datetime(2031, 11, 2, 1), datetime(2027, 4, 4, 2)])
    at = around + timedelta(seconds=rng.randint(-9000, 9000)) if around else datetime(1, 1, 1) + timedelta(
        seconds=rng.randrange(0, 9998 * 31556952))
    return at.strftime("%Y").zfill(4) + at.strftime("-%m-%dT%H:%M:%S")


def random_day(form):
    at = date(1, 1, 1) + timedelta(days=rng.randrange(0, 3652058))
    words = {"yyyy": f"{at.year:04}", "MMM": MONTHS[at.month - 1].title(), "MM": f"{at.month:02}", "dd": f"{at.day:02}", "yy": f"{at.year % 100:02}",
             "M": str(at.month), "d": str(at.day)}
    form = form.replace("[ HH:mm:ss]", rng.choice(["", " 00:00:00", " 17:05:59"]))
    return re.sub("yyyy|MMM|MM|dd|yy|M|d", lambda match: words[match.group()], form)


def mutated(cell, alphabet):
    for _ in range(rng.choice([1, 1, 2, 3])):
        at = rng.randint(0, max(0, len(cell) - 1))
        cell = rng.choice([
            cell[:at] + cell[at + 1:], cell[:at] + rng.choice(alphabet) + cell[at:], cell[:at] + rng.choice(alphabet) + cell[at + 1:],
            cell[:at] + cell[at:at + 1] * 2 + cell[at + 1:], cell + rng.choice(alphabet), cell[at:] + cell[:at]])
    return cell


def corpus(seeds, alphabet, fresh=None):
    cells = list(seeds)
    while len(cells) < count:
        roll = rng.random()
        cells.append(fresh() if fresh and roll < 0.35 else mutated(rng.choice(seeds), alphabet))
    rng.shuffle(cells)
    return [cell for cell in cells if not set(cell) & set("|\n\r\0\"") or cell.startswith(("{", "[", '"'))]


def groups():
    numbers = NUMBERS.split() + ["1 kg", "3.200 kg", "3,200 kg", "5 kg", "5 kg 200 g", "50 %", "7 m/s", "1 234 kg", "1 234", "3 °C", "2 m3",
                                 "1 234 567,5", "5 kg netto", "5 t", "5 kg", "7 kg", "1e3 kg", "5kg "]
    alphabet = "0123456789.,-+eE kg%'_"
    for kind in ("int", "double"):
        for setting in [{}, {"decimal": ",", "group": "."}, {"group": ","}, {"decimal": ",", "group": " "}, {"decimal": ","},
                        {"group": "'"}, {"group": "_"}, {"unit": True}, {"unit": "kg"}, {"unit": ["kg", "KG", ""], "decimal": ",", "group": "."},
                        {"unit": True, "decimal": ",", "group": "."}, {"round": True}]:
            yield {"type": kind, **setting}, corpus(numbers, alphabet, random_number), lambda c, s, u, k=kind: number(c, s, k, u)
    dates = [cell.replace("_", " ") for cell in DATES]
    for form in ["yyyy-MM-dd", "d.M.yyyy", "dd.MM.yy", "yyyyMMdd", "d-MMM-yyyy", "yyyy-MM-dd[ HH:mm:ss]"]:
        for rounds in (False, True):
            yield {"type": "date", "format": form, "round": rounds}, corpus(dates, "0123456789.-/ :", lambda f=form: random_day(f)), lambda c, s, u: a_date(c, s)
    for setting in [{}, {"format": "H:mm:ss"}, {"round": True}]:
        yield {"type": "time", **setting}, corpus(TIMES, "0123456789:. "), lambda c, s, u: a_time(c, s)
    moments = [cell.replace("_", " ") for cell in MOMENTS]
    settings = [{}, {"zone": "+05:30"}, {"round": True}, {"format": "dd.MM.yyyy HH:mm", "zone": "Europe/Berlin"},
                {"format": "M/d/yyyy h:mm:ss a"}, {"format": "yyyyMMddHHmmssSSS"}]
    for zone in ZONES:
        for gap in ("reject", "earlier", "later"):
            settings.append({"zone": zone, "gap": gap, "overlap": rng.choice(["reject", "earlier", "later"])})
    for setting in settings:
        yield {"type": "dateTime", **setting}, corpus(moments, "0123456789:.-+TZ ", random_moment), lambda c, s, u: a_moment(c, s)
    for setting in [{}, {"round": True}]:
        yield {"type": "duration", **setting}, corpus(DURATIONS, "PT0123456789.,YMWDHS-"), lambda c, s, u: a_duration(c, s)
    for unit in UNITS:
        for rounds in (False, True):
            yield {"type": "duration", "unit": unit, "round": rounds}, corpus(numbers, "0123456789.-e", random_number), lambda c, s, u: a_duration(c, s)
    for setting in [{}, {"trueWords": ["X"], "falseWords": [""]}, {"trueWords": ["ja", "wahr"]}, {"falseWords": ["nein", "0", ""]},
                    {"trueWords": "2", "falseWords": ["-", "N"]}]:
        yield {"type": "bool", **setting}, corpus(FLAGS, "XxjanJNtf10 "), lambda c, s, u: a_flag(
            c, {k: [v] if isinstance(v, str) and k != "type" else v for k, v in s.items()})
    yield {"type": "json"}, corpus(JSONS, '{}[]":,\\u0d8eE+-.1 '), lambda c, s, u: a_json(c, s)


for setting, cells, read in groups():
    state, values = Unit(), []
    for cell in cells:
        try:
            values.append("absent" if cell == "" and setting["type"] != "bool" else read(cell, setting, state))
        except Refused:
            values.append(None)
    print(json.dumps({"setting": setting, "cells": cells, "values": values}))
