"""Every error this package raises on purpose.

::

    OTelEventsError
    ├── SettingsError           a setting or an argument of configure() is unknown or has a bad value
    ├── EventDefinitionError    a class cannot be an event; the text names the class and the field
    ├── UnregisteredEventError  an event was tracked whose class the tracker does not know
    ├── PluginError             a plugin could not be loaded or has a hook that cannot work
    └── ReceiverError           the embedded receiver cannot start or cannot use its database

Values never raise: what an event *holds* is converted or counted, whatever it is. Only definitions, settings and plugins,
which a programmer or an operator can mend, raise.
"""

from __future__ import annotations


class OTelEventsError(Exception):
    """The root of the tree above; catch it to catch them all."""


class SettingsError(OTelEventsError, ValueError):
    """A setting is unknown or its value is not one of those expected."""


class EventDefinitionError(OTelEventsError, TypeError):
    """A class cannot be an event: the text says what was seen, where, and what to do."""


class UnregisteredEventError(OTelEventsError, LookupError):
    """An event was tracked whose class was never registered with this tracker."""


class PluginError(OTelEventsError):
    """A plugin failed to load, or one of its hook implementations cannot work."""


class ReceiverError(OTelEventsError):
    """The embedded receiver could not start, or its database cannot be used."""
