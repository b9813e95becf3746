"""The independent reader of whole files: Python's csv module cuts cells, and the rules of Plugins/mapping/README.md
("dialect", "What is skipped") say what is a record. Written from that page, not from the reader under test.

usage: structure.py CASES; CASES has one JSON object per line with "bytes" (hexadecimal) and "settings" (a dialect). Prints for each
{"refused": why} or {"rows": [[cell]], "rejected": n, "parts": [name]}.
"""
import csv
import json
import re
import sys

csv.field_size_limit(1 << 30)
SENTINEL = "\x02end\n"
MARK = "\ufeff"
TOTAL = re.compile(r"[\0-/]*(totals?|subtotal|totale|sum|summe|gesamt|gesamtsumme|summa|somme|suma|count|anzahl|ende?|eof|trailer|footer)"
                   r"(?=[ \t\",;:=|]|$)", re.I | re.A)

TOTAL_ALONE = re.compile(TOTAL.pattern.split("(?=")[0] + r"[ \t\":=.*]*", re.I | re.A)


def shape(text, delimiter):
    kinds = ["9" if c in "0123456789" else "A" if c.isascii() and c.isalpha() or c > "\x7f" else c
             for c in text.split(delimiter)[0].replace('"', "")]
    return "".join(kind for index, kind in enumerate(kinds) if index == 0 or kind != kinds[index - 1])


class Refused(Exception):
    pass


def decode(data, declared):
    marks = [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be")]
    found = next(((mark, name) for mark, name in marks if data.startswith(mark)), None)
    if found:
        mark, name = found
        if declared not in ("auto", name):
            raise Refused("byte order mark")
        data, declared = data[len(mark):], name
    encoding = {"auto": "utf-8", "utf-8": "utf-8", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
                "windows-1252": "cp1252", "iso-8859-1": "latin-1"}[declared]
    if encoding.startswith("utf-16") and len(data) % 2:
        return data[:-1].decode(encoding, "surrogatepass") + "\udc00", found is not None
    return data.decode(encoding, "surrogateescape" if encoding in ("utf-8", "cp1252") else "surrogatepass"), found is not None


def is_text(raw):
    return not any("\ud800" <= c <= "\udfff" or c == "\0" for c in raw)


class File:
    def __init__(self, data, s):
        self.s = s
        self.delimiter = {"tab": "\t"}.get(s.get("delimiter", ","), s.get("delimiter", ","))
        self.quoting = s.get("quoting", "standard")
        self.quote = s.get("quote", '"')
        self.trim = s.get("trim", "none")
        self.repeated = s.get("repeatedHeader", "skip")
        self.ragged = s.get("ragged", "reject")
        text, marked = decode(data, s.get("encoding", "auto"))
        self.lines = re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$", text)
        self.parts = ["byte order mark"] if marked else []
        self.at = 0
        self.width = 0
        self.header = None
        self.rows = []
        self.rejected = 0
        self.records = 0
        self.has_footer = False
        self.preamble = []
        self.preamble_lines = []

    # A record: its cells, how many lines it has, and whether it is well-formed; None where a quotation mark stays open.
    def record(self, at, end):
        if self.quoting == "none":
            line = self.lines[at].rstrip("\r\n")
            cells = line.split(self.delimiter)
            return [cell.strip(" \t") if self.trim != "none" else cell for cell in cells], 1, is_text(line), line
        if self.quoting == "backslash" or self.trim != "none":
            return self.cut("".join(self.lines[at:end]), at)
        reader = csv.reader(iter(self.lines[at:end] + [SENTINEL]), delimiter=self.delimiter, quotechar=self.quote)
        cells = next(reader)
        count = reader.line_num
        if count > end - at:
            return None
        raw = re.sub(r"(\r\n|\n|\r)$", "", "".join(self.lines[at:at + count]))
        return cells, count, is_text(raw) and self.is_formed(raw), raw

    # What the csv module has no settings for: backslashes, and blanks around quotation marks, where RFC 4180 has none.
    def cut(self, text, at):
        d, q = re.escape(self.delimiter), re.escape(self.quote)
        escapes = self.quoting == "backslash"
        blanks = "" if self.trim == "none" else r"[ \t]*" if self.delimiter != "\t" else " *"
        opening = re.compile(blanks + q)
        quoted = re.compile(blanks + (rf"{q}((?:\\.|[^{q}\\])*){q}" if escapes else rf"{q}((?:[^{q}]|{q}{q})*){q}(?!{q})"), re.S)
        bare = re.compile(rf"(?:\\.|(?!{d})[^\r\n\\]|\\\Z)*" if escapes else rf"(?:(?!{d})[^\r\n])*", re.S)
        stop = re.compile(rf"{blanks}(?={d}|[\r\n]|\Z)")
        pos, cells, formed = 0, [], True
        while True:
            is_quoted = opening.match(text, pos) is not None
            if is_quoted:
                found = quoted.match(text, pos)
                if found is None:
                    return None
                cell = re.sub(r"\\(.)", r"\1", found.group(1), flags=re.S) if escapes else found.group(1).replace(self.quote * 2, self.quote)
                pos = found.end()
                after = stop.match(text, pos)
                formed = formed and after is not None
                pos = after.end() if after else bare.match(text, pos).end()
            else:
                found = bare.match(text, pos)
                if self.quoting == "standard" and self.quote in found.group():
                    formed = False
                cell = re.sub(r"\\(.)", r"\1", found.group(), flags=re.S) if escapes else found.group()
                pos = found.end()
            cells.append(cell.strip(" \t") if self.trim == "all" or self.trim == "unquoted" and not is_quoted else cell)
            if not text.startswith(self.delimiter, pos):
                break
            pos += len(self.delimiter)
        raw, count = text[:pos], 0
        while sum(map(len, self.lines[at:at + count])) <= pos and at + count < len(self.lines):
            count += 1
        return cells, max(count, 1), formed and is_text(raw), raw

    # RFC 4180; "lenient" lets marks stand for themselves, but no cell may go over a line end and then not close cleanly.
    def is_formed(self, raw):
        at = 0
        while True:
            if raw.startswith(self.quote, at):
                q = re.escape(self.quote)
                quoted = re.compile(f"{q}(?:[^{q}]|{q}{q})*{q}").match(raw, at)
                after = quoted.end()
                stop = raw.find(self.delimiter, after)
                stop = len(raw) if stop < 0 else stop
                if stop != after:
                    if self.quoting == "standard" or re.search(r"[\r\n]", quoted.group()):
                        return False
            else:
                stop = raw.find(self.delimiter, at)
                stop = len(raw) if stop < 0 else stop
                if self.quote in raw[at:stop] and self.quoting == "standard":
                    return False
            if stop == len(raw):
                return True
            at = stop + len(self.delimiter)

    def is_blank(self, line):
        return not line.strip("\r\n").strip(" \t" + self.delimiter)

    def may_be_record(self, count):
        if not self.width:
            return False
        return {"reject": count == self.width, "fail": count == self.width, "pad": 0 < count <= self.width}.get(self.ragged, count > 0)

    def part(self, name, merges=False):
        if not (merges and self.parts and self.parts[-1] == name and self.open_part == name):
            self.parts.append(name)
        self.open_part = name if merges else None

    open_part = None
    shape = None

    def matches(self, line, glob):
        return re.fullmatch(".*".join(re.escape(piece).replace(r"\?", ".") for piece in glob.split("*")),
                            line.rstrip("\r\n"), re.S) is not None

    # A glob of a footer fits the line as it stands, or with the quotation marks of its first cell taken off.
    def is_footer(self, line, globs):
        texts = [line]
        if self.quoting != "none":
            blanks = "" if self.trim == "none" else r"[ \t]*"
            q = re.escape(self.quote)
            inner = rf"(?:\\.|[^{q}\\])*" if self.quoting == "backslash" else rf"(?:[^{q}]|{q}{q})*"
            found = re.match(rf"{blanks}{q}({inner}){q}?", line.rstrip("\r\n"), re.S)
            if found:
                word = found.group(1)
                word = re.sub(r"\\(.)", r"\1", word, flags=re.S) if self.quoting == "backslash" else word.replace(self.quote * 2, self.quote)
                texts.append(word + line[found.end():])
        return any(self.matches(text, glob) for text in texts for glob in globs)

    def read(self):
        self.skip_preamble()
        self.read_header()
        globs = self.s.get("footerFrom", [])
        globs = [globs] if isinstance(globs, str) else globs
        body, held = len(self.lines), self.s.get("footerLines", 0)
        while held and body > self.at:
            body -= 1
            held -= not self.is_blank(self.lines[body])
        self.records_until(body, globs)
        if body < len(self.lines):
            self.tail()
        if self.s.get("footerRequired") and not self.has_footer:
            raise Refused("no footer")
        return {"rows": self.rows, "rejected": self.rejected, "parts": self.parts}

    def skip_preamble(self):
        start = self.at
        until = self.s.get("skipUntil")
        for _ in range(self.s.get("skipLines", 0)):
            if self.at < len(self.lines):
                self.preamble_line()
        while until is not None and not self.matches(self.line_or_refuse(), until):
            self.preamble_line()
        if self.at > start:
            self.part("preamble")

    def line_or_refuse(self):
        if self.at >= len(self.lines):
            raise Refused("no table")
        return self.lines[self.at]

    def preamble_line(self):
        line = self.lines[self.at]
        if not self.s.get("header", True) and not self.is_blank(line):
            found = self.record(self.at, len(self.lines))
            self.preamble.append(len(found[0]) if found else 0)
        if not self.is_blank(line):
            self.preamble_lines.append(line.rstrip("\r\n"))
        self.at += 1

    def read_header(self):
        names = self.s.get("columns")
        if not self.s.get("header", True):
            self.header = names
        else:
            while True:
                if self.at >= len(self.lines):
                    raise Refused("no header")
                if not self.skips(None):
                    break
            self.take_mark()
            globs = self.s.get("footerFrom", [])
            if self.is_footer(self.lines[self.at], [globs] if isinstance(globs, str) else globs):
                raise Refused("no header before the footer")
            found = self.record(self.at, len(self.lines))
            if not found or not found[2]:
                raise Refused("header")
            cells = [cell.strip(" \t") for cell in found[0]]
            self.at += found[1]
            if names is not None:
                if cells != self.s.get("headerNames", names):
                    raise Refused("header of other names")
            elif "" in cells or len(set(cells)) < len(cells):
                raise Refused("header names")
            self.part("header")
            self.header = cells
        self.width = len(self.header or [])
        self.check_preamble()

    def check_preamble(self):
        if self.width and self.width in self.preamble:
            raise Refused("preamble")

    def take_mark(self):
        if self.lines[self.at].startswith(MARK):
            self.lines[self.at] = self.lines[self.at][1:]
            self.part("byte order mark")
            return True
        return False

    # Comments and blank lines.
    def skips(self, _):
        line = self.lines[self.at]
        comment = self.s.get("comment")
        if comment and line.startswith(comment):
            self.part("comment")
        elif not line.strip("\r\n") and self.s.get("blankLines", "skip") == "skip":
            self.part("blank lines", merges=True)
        else:
            return False
        self.at += 1
        return True

    def records_until(self, end, globs):
        doubted = False
        while self.at < end:
            doubted = self.take_mark() or doubted
            comment = self.s.get("comment")
            if comment and self.lines[self.at].startswith(comment):
                self.skips(None)
                continue
            if not self.lines[self.at]:
                self.at += 1
                continue
            if self.is_footer(self.lines[self.at], globs):
                return self.footer(globs)
            if self.skips(None):
                continue
            found = self.record(self.at, end)
            if found is None:
                raise Refused("open quotation mark")
            doubted = self.take(found, doubted)

    # Takes a record; False, since the next is not doubted.
    def take(self, found, doubted):
        cells, count, formed, _ = found
        self.at += count
        fits = formed
        if formed:
            if not self.width:
                self.width = len(cells)
                self.check_preamble()
            elif len(cells) != self.width:
                if self.ragged == "fail":
                    raise Refused("a record of another width")
                fits = self.ragged == "pad" and (len(cells) < self.width or not any(cells[self.width:]))
                cells = cells[:self.width]
        if fits and self.repeats(found[0] if self.ragged != "pad" else cells):
            return False
        if fits and found[3] in self.preamble_lines:
            raise Refused("the preamble again")
        if formed and self.quoting == "backslash" and re.search(r"(?<!\\)(?:\\\\)*\\\Z", found[3]):
            fits = False  # Cut off behind an escape mark.
        self.open_part = None
        self.records += 1
        if self.records == 1 and self.is_other_delimiter(found):
            raise Refused("delimiter")
        if not fits or doubted or (self.header and fits and self.is_header_to_reject(found[0] if self.ragged != "pad" else cells)):
            self.rejected += 1
        else:
            self.rows.append(cells)
            self.shape = shape(cells[0], self.delimiter)
        return False

    def is_other_delimiter(self, found):
        cells, _, formed, raw = found
        if not formed or len(cells) != 1 or self.width < 2 or self.ragged != "reject":
            return False
        if self.s.get("header", True) and "columns" not in self.s:
            return False
        return any(len(cells[0].split(d)) == self.width for d in ";\t|," if d != self.delimiter)

    def is_header_to_reject(self, cells):
        if self.repeated != "record" and len(cells) == 1 < len(self.header) and cells[0].strip(" \t") == self.header[0] and self.starts_like_header(cells[0]):
            return True
        if self.repeated == "record" or not (len(cells) == 1 or self.repeated == "reject"):
            return False
        return bool(cells[0]) and [cell.strip(" \t") for cell in cells] == self.header and cells[0] in self.header

    def repeats(self, cells):
        if not self.header or not cells[0] or self.repeated == "record":
            return False
        if len(cells) != len(self.header):
            return self.heads_another(cells)
        bare = [cell.strip(" \t") for cell in cells]
        names = {name.lower() for name in self.header}
        # Only a record whose first cell is a name as it stands is looked at: others are no header.
        if cells[0].lower() not in names:
            return False
        if bare == self.header:
            if self.repeated == "fail":
                raise Refused("a header again")
            if len(cells) == 1 or self.repeated == "reject":
                return False
            self.part("repeated header")
            return True
        known = sum(cell.lower() in names for cell in bare)
        if len(cells) > 1 and known > 1 and known * 2 >= len(cells):
            raise Refused("another header")
        return False

    # Only a record whose first letter is that of a name as it stands is looked at.
    def starts_like_header(self, cell):
        return cell[:1].lower() in {name[:1].lower() for name in self.header if name}

    # Another width than the header's: names of columns, or one cell that has them at another delimiter, head another table.
    def heads_another(self, cells):
        if len(self.header) < 2 or not self.starts_like_header(cells[0]):
            return False
        names = {name.lower() for name in self.header}
        rows = [[cell.strip(" \t") for cell in cells]]
        if len(cells) == 1:
            bare = lambda part: part[1:-1] if len(part) > 1 and part[0] == part[-1] == self.quote else part
            rows = [[bare(part).strip(" \t") for part in rows[0][0].split(d)] for d in ";\t|," if d != self.delimiter]
        for row in rows:
            known = sum(cell.lower() in names for cell in row)
            if len(row) > 1 and row[0].lower() in names and known > 1 and known * 2 >= len(row):
                raise Refused("another header")
        return False

    def footer(self, globs):
        first = True
        while self.at < len(self.lines):
            self.take_mark()
            line = self.lines[self.at]
            if not first and line and not self.is_blank(line) and not self.is_footer(line, globs):
                found = self.record(self.at, len(self.lines))
                count = len(found[0]) if found else 0
                if (count > 1 or self.width == 1) and self.may_be_record(count):
                    raise Refused("record behind the footer")
            if line:
                self.part("footer", merges=True)
            self.has_footer = True
            self.at += 1
            first = False

    def tail(self):
        while self.at < len(self.lines):
            self.take_mark()
            line = self.lines[self.at]
            comment = self.s.get("comment")
            if comment and line.startswith(comment):
                self.part("comment")
                self.at += 1
                continue
            if not line:
                self.at += 1
                continue
            if self.is_blank(line):
                self.part("blank lines", merges=True)
                self.at += 1
                continue
            found = self.record(self.at, len(self.lines))
            count, bare = len(found[0]) if found else 0, line.rstrip("\r\n")
            if bare == line:
                raise Refused("a last line without its end")
            if shape(bare, self.delimiter) == self.shape: raise Refused("a footer like a record")
            if self.width and count == self.width and not (self.shape and TOTAL_ALONE.fullmatch(bare.split(self.delimiter)[0])):
                raise Refused("a footer like a record")
            is_remark = count < 2 <= self.width and not self.may_be_record(count)
            if not is_remark and not TOTAL.match(bare):
                raise Refused("unclear footer")
            self.part("footer", merges=True)
            self.has_footer = True
            self.at += 1


for line in open(sys.argv[1], encoding="utf-8"):
    case = json.loads(line)
    try:
        print(json.dumps(File(bytes.fromhex(case["bytes"]), case["settings"]).read(), ensure_ascii=True))
    except Refused as refusal:
        print(json.dumps({"refused": str(refusal)}))
