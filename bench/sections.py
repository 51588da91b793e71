# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""docs/Performance.md is made of sections, each written by one benchmark."""

import re
import string

WRITER = re.compile(r"<!-- Written by (\S+) from ")
BEGIN = re.compile(rf"^(?={WRITER.pattern.replace('(', '(?:')})", re.MULTILINE)


def write(path, template, parts):
    """Fills the file `template` with `parts`. Its first line says who writes it: it takes
    the place of what that benchmark wrote before, or comes last."""
    text = string.Template(template.read_text()).substitute(parts)
    sections = {}
    page = path.read_text() if path.exists() else ""
    for section in [*BEGIN.split(page), text]:
        if section:
            writer = WRITER.match(section).group(1)
            sections[writer] = section.rstrip("\n") + "\n"
    path.write_text("\n".join(sections.values()))


def table(titles, rows):
    """A Markdown table, or nothing without rows."""
    if not rows:
        return "Not measured.\n"
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def mark(reached):
    return "yes" if reached else "**no**"
