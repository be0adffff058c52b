"""Answers what Python's packaging makes of versions and specifiers; asked by tests/references.rs."""

import json
import sys

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version


def read(kind, error, text):
    try:
        return kind(text)
    except error:
        return None


def compare(a, b):
    if a is None or b is None:
        return None
    # The local part is the builder's, not the author's: OSV has none.
    a, b = Version(a.public), Version(b.public)
    return (a > b) - (a < b)


asked = json.load(sys.stdin)
versions = [read(Version, InvalidVersion, text) for text in asked["versions"]]
ranges = [read(SpecifierSet, InvalidSpecifier, text) for text in asked["ranges"]]
valid = [version is not None for version in versions]
json.dump(
    {
        "valid": valid,
        "loose": valid,
        "order": [[compare(a, b) for b in versions] for a in versions],
        "readable": [specifier is not None for specifier in ranges],
        "contains": [
            [
                specifier is not None
                and version is not None
                and specifier.contains(version, prereleases=True)
                for version in versions
            ]
            for specifier in ranges
        ],
    },
    sys.stdout,
)
