"""Where settings come from: arguments win over environment variables, those over the defaults.

The project's own variables and every argument are strict: what is unknown or bad raises ``SettingsError``. OpenTelemetry's
standard variables are lenient, as its specification asks: a bad value is logged in one line and ignored.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from otel_events.exceptions import SettingsError

_logger = logging.getLogger("otel_events")

PREFIX: Final = "OTEL_EVENTS_"

T = TypeVar("T")

_MAX_SHOWN: Final = 200


class OwnSetting(NamedTuple):
    """A setting of the project's own: its default, how it is read, what is expected, and how a bad value is shown."""

    default: Any
    read: Callable[[Any], Any]
    expected: str
    show: Callable[[Any], str] = repr


class Sources:
    """Looks settings up, and remembers where each was found.

    Args:
        arguments: Those of ``configure()``; None stands for not given.
        environ: Environment variables; an empty one counts as not set.
        known: The names that arguments may have.
        own: The names of the project's own settings.

    Raises:
        SettingsError: An argument or an ``OTEL_EVENTS_*`` variable is unknown.
    """

    def __init__(
        self, arguments: Mapping[str, Any], environ: Mapping[str, str], known: Iterable[str], own: Iterable[str]
    ) -> None:
        self._arguments = {name: value for name, value in arguments.items() if value is not None}
        self._environ = environ
        self._ignored: set[str] = set()
        self.found: dict[str, str] = {}
        _refuse_unknown(self._arguments, known, "", "the argument {} is unknown")
        variables = [name for name in environ if name.startswith(PREFIX)]
        _refuse_unknown(
            variables, [PREFIX + name.upper() for name in own], PREFIX, "{} is set, but there is no such setting"
        )

    def own(self, name: str, setting: OwnSetting) -> Any:
        """Return the value of a setting of the project's own: its argument's, else its variable's, else the default.

        Raises:
            SettingsError: The value is bad.
        """
        variable = PREFIX + name.upper()
        if name in self._arguments:
            return self.argument(name, name, setting.read, setting.expected, show=setting.show)
        text = self._text(variable)
        if text is None:
            return setting.default
        return self._strictly(text, name, variable, setting.read, setting.expected, show=setting.show)

    def standard(
        self,
        label: str,
        argument: str | None,
        variables: Iterable[str],
        default: T,
        read: Callable[[Any], T],
        expected: str,
        *,
        read_text: Callable[[str], T] | None = None,
        expected_text: str | None = None,
        show: Callable[[Any], str] = repr,
    ) -> T:
        """Return the value of a standard setting: its argument's, else that of the first variable with a good one.

        Args:
            label: Under which the source is remembered.
            argument: The argument's name, if there is one.
            variables: The variables' names, the most specific first.
            default: What holds otherwise.
            read: Reads the argument.
            expected: What it expects, in words.
            read_text: Reads a variable, where that differs.
            expected_text: What it expects.
            show: Shows a bad value in a log or an error.

        Raises:
            SettingsError: The argument is bad.
        """
        if argument in self._arguments and argument is not None:
            return self.argument(argument, label, read, expected, show=show)
        for variable in variables:
            text = self._text(variable)
            if text is None:
                continue
            try:
                result = (read_text or read)(text)
            except (ValueError, TypeError):
                if variable not in self._ignored:
                    self._ignored.add(variable)
                    seen = show(text)[:_MAX_SHOWN]
                    _logger.warning("%s: %s is not %s; it is ignored", variable, seen, expected_text or expected)
            else:
                self.found[label] = variable
                return result
        return default

    def argument(
        self, name: str, label: str, read: Callable[[Any], T], expected: str, *, show: Callable[[Any], str] = repr
    ) -> T:
        """Return the value of an argument that was given.

        Raises:
            SettingsError: It is bad.
        """
        return self._strictly(self._arguments[name], label, f"argument {name}", read, expected, show=show)

    def _strictly(
        self,
        value: Any,
        label: str,
        source: str,
        read: Callable[[Any], T],
        expected: str,
        *,
        show: Callable[[Any], str],
    ) -> T:
        try:
            result = read(value)
        except (ValueError, TypeError):
            raise SettingsError(f"{source}: {show(value)[:_MAX_SHOWN]} is not {expected}") from None
        self.found[label] = source
        return result

    def _text(self, variable: str) -> str | None:
        return self._environ.get(variable, "").strip() or None


def hidden(_: Any) -> str:
    """Show nothing of a secret value."""
    return "the value given (not shown)"


def without_credentials(value: Any) -> str:
    """Show what was meant to be a URL without what may be a user name, a password or a query with a key."""
    if not isinstance(value, str):
        return repr(value)
    scheme, separator, rest = value.partition("://")
    if not separator:
        scheme, rest = "", value
    before, _, place = rest.rpartition("@")
    # A question mark before an @ is in a password, or the @ is in a query: either way, what follows may be secret.
    place = "…" if "?" in before else place.partition("?")[0]
    return repr(f"{scheme}{separator}{place}")


def _refuse_unknown(names: Iterable[str], known: Iterable[str], prefix: str, complaint: str) -> None:
    known = sorted(known)
    for name in names:
        if name not in known:
            import difflib  # Only for the text of an error.

            ends = [one[len(prefix) :] for one in known]
            near = difflib.get_close_matches(name[len(prefix) :], ends, 1)
            hint = f"Did you mean {prefix}{near[0]}?" if near else f"There are: {', '.join(known)}."
            raise SettingsError(f"{complaint.format(name)}. {hint}")
