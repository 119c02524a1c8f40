"""Reads the planted bugs, and finds the places that they change."""

import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
FIELDS = {"rows", "file", "breaks", "was", "now"}


class Bug:
    def __init__(self, number, name):
        self.number, self.name, self.fields = number, name, {}

    def __str__(self):
        return f"bug {self.number} ({self.name})"

    def __getattr__(self, field):
        return self.fields[field]

    @property
    def mark(self):
        """The part of the original that is replaced, if it is an expression."""
        marked = re.search("«(.*)»", self.was, re.S)
        return marked.group(1) if marked else None

    def place(self, text):
        """Where the replaced part stands in the file's text. Any white space equals any other."""
        before, part, after = re.match("(?:(.*)«)?(.*?)(?:»(.*))?$", self.was, re.S).groups()
        pattern = r"(?<!\w)" + spaced(before) + "(" + spaced(part).removesuffix(r"\s*") + r")\s*" + spaced(after)
        found = list(re.finditer(pattern, text))
        if len(found) != 1:
            raise SystemExit(f"{self}: its original stands {len(found)} times in {self.file}, not once")
        return found[0].span(1)

    def replacement(self, original):
        """Original and mutant, told apart when the program runs."""
        if self.mark is not None:
            return f"(plantedBug == {self.number} ? ({self.now}) : ({original}))"
        return f"if plantedBug == {self.number} {{\n{self.now}\n}} else {{\n{original}\n}}"


def spaced(text):
    return "".join(re.escape(word) + r"\s*" for word in re.findall(r"\w+|[^\w\s]", text or ""))


def read():
    """All bugs, in the order of their numbers."""
    bugs = {}
    for path in sorted(HERE.glob("*.bugs")):
        bug, field = None, None
        for line in path.read_text().splitlines():
            head = re.fullmatch(r"\[(\d+)\] (\S+)", line)
            named = re.fullmatch(r"(\w+)( .*)?", line)
            if head:
                bug = Bug(int(head.group(1)), head.group(2))
                if bug.number in bugs or bug.number == 0:
                    raise SystemExit(f"{path.name}: the number {bug.number} is taken")
                bugs[bug.number] = bug
            elif named and bug and named.group(1) in FIELDS - bug.fields.keys():
                field = named.group(1)
                bug.fields[field] = (named.group(2) or "").strip()
            elif line.startswith(" ") and bug and field:
                bug.fields[field] += "\n" + line.strip()
            elif line and not line.startswith("#"):
                raise SystemExit(f"{path.name}: cannot read the line: {line}")
    for bug in bugs.values():
        if missing := FIELDS - bug.fields.keys():
            raise SystemExit(f"{bug}: has no {', '.join(sorted(missing))}")
    return [bugs[number] for number in sorted(bugs)]
