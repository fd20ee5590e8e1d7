"""A study file becomes the list of trials that answer it."""

from __future__ import annotations

import copy
import itertools
import os
import re
import stat
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from caviar.runner.errors import RequestError, shown
from caviar.runner.fields.changes import read_change
from caviar.runner.fields.dataset import PLACES
from caviar.runner.fields.trial import TrialFields
from caviar.runner.limits import MOST_STUDY_BYTES
from caviar.runner.study.distributions import Distribution, parse_distribution
from caviar.runner.study.study import Study
from caviar.runner.study.suggestions import MODELS, STUDY, TRIAL, setting_suggestion, suggestion
from caviar.runner.study.validation_message import explain

QUICKSTART = Path(__file__).with_name("quickstart.toml")
TABLES = ("fixed", "scientific", "nuisance")


def read_study(path: Path | None, settings: Sequence[str] = ()) -> Study:
    """The study at `path` (or the quickstart) with `--set key=value` applied, validated.

    Paths in the file are relative to the file, those in `settings` to the working folder.
    Raises RequestError, one sentence.
    """
    source = path or QUICKSTART
    table = _parsed(_text_of(source), source.name)
    _resolve_paths(table, source.parent)
    study = _changed(table, settings)
    if path is not None:
        study._folder = source.parent.resolve()
    return study


def study_from_text(text: str, settings: Sequence[str] = ()) -> Study:
    """The same from TOML text; paths in it are relative to the working folder."""
    return _changed(_parsed(text, "the text"), settings)


def study_from_table(table: Mapping[str, Any], settings: Sequence[str] = ()) -> Study:
    """The same from the parsed content of such a file, which is not modified."""
    return _changed(copy.deepcopy(dict(table)), settings)


def _changed(table: dict[str, Any], settings: Sequence[str]) -> Study:
    for setting in settings:
        _apply(table, setting)
    _resolve_paths(table, Path.cwd())
    return _validated(table)


def _text_of(source: Path) -> str:
    """The text of a study file; anything that cannot be one is refused unread."""
    try:
        status = source.stat()
        if not stat.S_ISREG(status.st_mode):
            raise RequestError(
                f"cannot read the study file {str(source)!r}: it is not a regular file"
            )
        if status.st_size > MOST_STUDY_BYTES:
            raise RequestError(
                f"{source.name} has {status.st_size:,} bytes, above the {MOST_STUDY_BYTES:,} that "
                "a study file may have; give ranges in [nuisance] instead of lists"
            )
        return source.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise RequestError(f"{source.name} is not valid TOML: {error}") from None
        reason = error.strerror if isinstance(error, OSError) else error
        raise RequestError(f"cannot read the study file {str(source)!r}: {reason}") from None


LONG_KEY = re.compile(
    r"""(?<![\w-])(?:(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){20}"""
)
"""A key of more parts than any key of a study has: tomllib takes quadratic time for it."""


def _parsed(text: str, source: str) -> dict[str, Any]:
    if LONG_KEY.search(text):
        raise RequestError(f"{source} is not a study: it has a key with more than 20 parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise RequestError(f"{source} is not a study: it is nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, or a number with too many digits
        raise RequestError(f"{source} is not valid TOML: {error}") from None


def _resolve_paths(table: dict[str, Any], base: Path) -> None:
    """Fill in the places of the data set, and those of its test file."""
    dataset = table.get("dataset")
    test = dataset.get("test") if isinstance(dataset, dict) else None
    for name, file in (("dataset", dataset), ("dataset.test", test)):
        for key in PLACES:
            if isinstance(file, dict) and isinstance(file.get(key), str):
                try:
                    file[key] = _place(file[key], base)
                except (OSError, ValueError, RuntimeError) as error:
                    raise RequestError(
                        f"{name}.{key}: {shown(file[key])} is not a path ({error})"
                    ) from None


def _place(text: str, base: Path) -> str:
    """A path with the home folder and variables filled in, from `base`; a URI as it is."""
    if "://" in text:
        return text
    return str((base / os.path.expandvars(os.path.expanduser(text))).resolve())


def _apply(table: dict[str, Any], setting: str) -> None:
    """Apply `budget.epochs=3`, or set a trial field in the table that has it, else in [fixed]."""
    try:
        setting.encode()
    except UnicodeEncodeError:
        raise RequestError(f"--set {shown(setting)}: that is not UTF-8") from None
    key, equals, text = setting.partition("=")
    key = key.strip()
    if not equals or not key:
        raise RequestError(f"--set expects key=value; got {shown(setting)}")
    value = _value(key, text)
    path = key.split(".")
    known = [*Study.model_fields, *TrialFields.model_fields]
    if path[0] not in known:
        raise RequestError(f"--set: unknown key {path[0]!r}; {setting_suggestion(path[0])}")
    if len(path) == 1 and key in TrialFields.model_fields:
        path = [_table_of(table, key, value), key]
    inner = table
    for part in path[:-1]:
        inner = inner.setdefault(part, {})
        if not isinstance(inner, dict):
            raise RequestError(f"--set {key}: {part!r} is a value, not a table")
    inner[path[-1]] = value


def _value(key: str, text: str) -> Any:
    """The TOML value, or the text itself if it is not TOML."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
    except (RecursionError, ValueError):
        raise RequestError(
            f"--set {shown(key)}: the value is nested too deeply, or has too many digits"
        ) from None


def _table_of(table: dict[str, Any], key: str, value: Any) -> str:
    """The table to set a field in: a single value for a crossed or drawn field fixes it."""
    for name in TABLES:
        if not isinstance(table.get(name, {}), dict):
            raise RequestError(f"{name} must be a table, [{name}]; got {shown(table[name])}")
    holder = next((t for t in TABLES if key in table.get(t, {})), "fixed")
    stays = {
        "fixed": True,
        "scientific": isinstance(value, list),
        "nuisance": isinstance(value, dict),
    }[holder]
    if not stays:
        del table[holder][key]
        return "fixed"
    return holder


def _validated(table: dict[str, Any]) -> Study:
    _check_keys(table, STUDY, "the study")
    if isinstance(table.get("dataset"), str):
        table = {**table, "dataset": {"name": table["dataset"]}}
    for name in TABLES:
        fields = table.get(name, {})
        if not isinstance(fields, dict):
            raise RequestError(f"{name} must be a table, [{name}]; got {shown(fields)}")
        _check_keys(fields, TRIAL, f"[{name}]")
    for one, other in itertools.combinations(TABLES, 2):
        for key in sorted(table.get(one, {}).keys() & table.get(other, {}).keys()):
            raise RequestError(f"{key!r} appears in both [{one}] and [{other}]; keep one")
    _check_arms(table)
    _check_changes(table)
    try:
        study = Study(**table)
        TrialFields(**study.fixed)
    except ValidationError as error:
        raise RequestError(explain(error)) from None
    for field, levels in study.scientific.items():
        _check_levels(field, levels)
    space_of(study)
    _check_stop(study)
    return study


def _check_stop(study: Study) -> None:
    """Refuse to stop trials where they are not draws of one search."""
    if study.stop is None:
        return
    crossed = [field for field, levels in study.scientific.items() if len(levels) > 1]
    crossed += ["arms"] * (len(study.arms) > 1)
    if crossed:
        raise RequestError(
            f'stop = "{study.stop}" is for a random search, and the study crosses '
            f"{', '.join(crossed)}: a level whose trials are stopped could not be compared; draw "
            "from a range in [nuisance] instead, or leave stop out"
        )
    if not study.nuisance:
        raise RequestError(
            f'stop = "{study.stop}" compares trials that were drawn, and nothing is drawn; give '
            "ranges in [nuisance], or leave stop out"
        )


def _check_arms(table: dict[str, Any]) -> None:
    arms = table.get("arms", {})
    if not isinstance(arms, dict):
        raise RequestError(f"arms must be a table of named arms, [arms]; got {shown(arms)}")
    for name, fields in arms.items():
        if not isinstance(fields, dict):
            raise RequestError(f"arms.{name}: expected a table of fields; got {shown(fields)}")
        _check_keys(fields, TRIAL, f"arms.{name}")
        for key in sorted(fields.keys() & table.get("nuisance", {}).keys()):
            raise RequestError(
                f"{key!r} appears in both arms.{name} and [nuisance]; arms share what is drawn, "
                "so keep one"
            )


def _check_changes(table: dict[str, Any]) -> None:
    """Refuse changes as levels or draws, and those of a field whose levels or draws are compared:
    a trial would be called by a value that it leaves."""
    compared = {name: table.get(name, {}) for name in ("scientific", "nuisance")}
    for name, fields in compared.items():
        if "changes" in fields:
            raise RequestError(
                f"changes in [{name}]: they can neither be crossed nor drawn; name each list of "
                'changes as an arm, such as arms.edited = { changes = ["400: reset dense2"] }'
            )
    holders = {"[fixed]": table.get("fixed", {})}
    holders |= {f"arms.{name}": fields for name, fields in table.get("arms", {}).items()}
    for holder, fields in holders.items():
        given = fields.get("changes", ())
        texts = [one for one in given if isinstance(one, str)] if isinstance(given, list) else []
        for change in map(read_change, texts):
            for name in (name for name, fields in compared.items() if change.field in fields):
                raise RequestError(
                    f"{change.field} is in [{name}], and the changes in {holder} set it at step "
                    f"{change.step}: trials are compared by a value that they would leave; fix "
                    f"{change.field}, or leave the change out"
                )


def _check_keys(table: dict[str, Any], kind: str, where: str) -> None:
    """Refuse a key that a table of this kind, one of `MODELS`, does not have."""
    for key in table:
        if key not in MODELS[kind].model_fields:
            raise RequestError(f"unknown key {shown(key)} in {where}; {suggestion(key, kind)}")


def _check_levels(field: str, levels: Any) -> None:
    if not isinstance(levels, list) or not levels:
        raise RequestError(f"scientific.{field}: expected a list of levels; got {shown(levels)}")
    if len({_hashable(level) for level in levels}) < len(levels):
        raise RequestError(f"scientific.{field}: a level appears twice in {shown(levels)}")


def _hashable(level: Any) -> Any:
    """A hashable value, equal for equal levels; nested tables are not levels: refused later."""
    return tuple(map(_hashable, level)) if isinstance(level, list) else _scalar(level)


def _scalar(level: Any) -> Any:
    return tuple(level.items()) if isinstance(level, dict) else level


def space_of(study: Study) -> dict[str, Distribution]:
    """The distributions that nuisance fields are drawn from."""
    return {field: parse_distribution(field, t) for field, t in study.nuisance.items()}
