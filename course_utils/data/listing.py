"""Find the pictures below a folder, the class of each, and the part of the data (train, val, test) it belongs to."""

from __future__ import annotations

import csv
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from course_utils.core.errors import DataError
from course_utils.data.idx import Unreadable

PARTS = ("train", "val", "test")
ALSO = {"training": "train", "valid": "val", "validation": "val", "testing": "test"} | dict(
    zip(PARTS, PARTS, strict=True)
)
NOT_DATA = {"thumbs.db", "desktop.ini", "__macosx"}  # as is all whose name begins with a dot
REMEDY = (
    "expected a folder for each class (FOLDER/cats, FOLDER/dogs), perhaps below train/ and test/, "
    "or a list of labels (--labels labels.csv)"
)


class Entry(NamedTuple):
    """One picture to be read. name: its path below the folder, to be shown; group: "" where unknown."""

    part: str
    label: str
    name: str
    path: str
    group: str = ""


@dataclass
class Listing:
    """What was found: pictures to read, and (name, reason) of what cannot be one; notes: what else → how often."""

    entries: list[Entry] = field(default_factory=list)
    bad: list[tuple[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)


def natural(name: str) -> tuple:
    """Give the key that sorts names as people do: 2 before 10, whatever the case, in any script."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if k % 2 else part.casefold() for k, part in enumerate(parts)], name


def printable(name: str) -> str:
    """Make a file's name one that can be shown and written as UTF-8, its accents composed."""
    name = name.encode(errors="replace").decode()  # bytes that are no UTF-8 come from Linux as lone surrogates
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "?", unicodedata.normalize("NFC", name))


def class_folders(root: Path) -> Listing:
    """List the pictures in a folder of class folders, or in such folders below train/, val/ and test/.

    Pictures may lie in folders within a class folder. Hidden files and what systems leave behind are passed over, and
    a folder is read once, whatever number of links leads to it. Sorted by part, class and name.
    """
    found, seen = Listing(), set()
    tops = [path for path in _children(root) if os.path.isdir(path)]
    parts = [(ALSO[name], path) for path in tops if (name := os.path.basename(path).lower()) in ALSO and _folders(path)]
    if parts and "train" not in [part for part, _ in parts]:
        raise DataError(f"{root} has {os.path.basename(parts[0][1])}/ but no train/; {REMEDY}")
    for part, folder in parts or [("train", str(root))]:
        for path in _children(folder):
            if not os.path.isdir(path):
                found.notes["files beside the class folders not read"] += 1
                continue
            label = printable(os.path.basename(path))
            for file in _files(path, seen):
                name = printable(os.path.relpath(file, root)).replace(os.sep, "/")
                if os.path.isfile(file):
                    found.entries.append(Entry(part, label, name, file))
                else:
                    found.bad.append((name, "not a file, or a link to nothing"))
    if parts and len(tops) > len(parts):
        found.notes["folders beside train/ not read"] = len(tops) - len(parts)
    if not found.entries:
        raise DataError(f"{root} holds no picture in a class folder; {REMEDY}")
    found.entries.sort(key=lambda entry: (PARTS.index(entry.part), natural(entry.label), natural(entry.name)))
    return found


def _children(folder: str | Path) -> list[str]:
    """List what is in a folder and may be data, by name, folders before the links that may lead to them."""
    try:
        with os.scandir(folder) as found:
            children = [e for e in found if not e.name.startswith(".") and e.name.lower() not in NOT_DATA]
    except PermissionError as error:
        raise Unreadable(folder, error) from None
    return [e.path for e in sorted(children, key=lambda e: (e.is_symlink(), e.name))]


def _folders(folder: str) -> bool:
    return any(os.path.isdir(path) for path in _children(folder))


def _files(folder: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    """Give every path below a folder that is no folder, of folders not seen before."""
    here = os.stat(folder)
    if (here.st_dev, here.st_ino) in seen:  # also ends loops of links
        return
    seen.add((here.st_dev, here.st_ino))
    for path in _children(folder):
        if os.path.isdir(path):
            yield from _files(path, seen)
        else:
            yield path


def listed(root: Path, labels: Path) -> Listing:
    """List the pictures that a CSV file names: columns file (relative to the folder), label and perhaps group.

    Columns may be separated by commas, semicolons or tabs, and other columns are passed over. In the order of the
    file. Raises DataError, naming the line, where a column or value is missing or a file is named twice.
    """
    found, lines = Listing(), {}
    for number, row in _rows(labels):
        file, label, group = ((row.get(column) or "").strip() for column in ("file", "label", "group"))
        if not file or not label:
            raise DataError(f"{labels}, line {number}: {'label' if file else 'file'} is empty; fill it in")
        if file in lines:
            raise DataError(f"{labels}, line {number}: {file} stands in line {lines[file]} already; keep one of them")
        lines[file] = number
        forms = (root / unicodedata.normalize(form, file) for form in ("NFC", "NFD"))  # macOS takes accents apart
        if path := next((str(path) for path in (root / file, *forms) if path.is_file()), None):
            found.entries.append(Entry("train", printable(label), printable(file), path, group))
        else:
            found.bad.append((printable(file), f"no such file (line {number} of {labels.name})"))
    if not found.entries:
        raise DataError(f"{labels} names no file that is in {root}; give paths relative to that folder")
    return found


def _rows(labels: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Read a CSV file with a header: (number of the line, its values by column)."""
    try:
        with open(labels, encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            file.seek(0)
            table = csv.DictReader(file, delimiter=max(",;\t", key=header.count))
            table.fieldnames = [name.strip().lower() for name in table.fieldnames or ()]
            if not {"file", "label"} <= set(table.fieldnames):
                columns = ", ".join(map(repr, table.fieldnames)) or "none"
                raise DataError(f"{labels} has the columns {columns}; expected 'file', 'label' and perhaps 'group'")
            for row in table:
                yield table.line_num, row
    except PermissionError as error:
        raise Unreadable(labels, error) from None
    except OSError as error:
        raise DataError(f"{labels} cannot be read: {error.strerror}; name a CSV file with file, label, group") from None
    except UnicodeDecodeError:
        raise DataError(f"{labels} is not UTF-8 text; save it as CSV UTF-8") from None
    except csv.Error as error:
        raise DataError(
            f"{labels} is not a table of values separated by commas: {error}; save it as CSV UTF-8"
        ) from None


def with_groups(entries: list[Entry], pattern: str) -> list[Entry]:
    """Give each picture the group that a regular expression finds in its name: what its brackets hold, or else all of
    what it matches; "" where it matches nothing. Raises DataError for no regular expression, or one that never matches.
    """
    try:
        search = re.compile(pattern).search
    except re.error as error:
        raise DataError(
            f"groups {pattern!r} is not a regular expression: {error}; an example: '(patient\\d+)'"
        ) from None
    found = [search(entry.name) for entry in entries]
    if not any(found):
        raise DataError(f"groups {pattern!r} matches no file's name; expected a part of such as {entries[0].name!r}")
    # a group's name is never empty: then two pictures of one group would count as unknown
    names = ["|".join(m.groups("")) or m[0] or "?" if m else "" for m in found]
    return [entry._replace(group=name) for entry, name in zip(entries, names, strict=True)]
