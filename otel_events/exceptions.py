"""Every error this package raises on purpose.

::

    OTelEventsError
    ├── SettingsError           a setting or an argument of configure() is unknown or has a bad value
    ├── EventDefinitionError    a class cannot be an event; the text names the class and the field
    ├── UnregisteredEventError  an event was tracked whose class the tracker does not know
    ├── PluginError             a plugin could not be loaded or has a hook that cannot work
    ├── DeliveryError           an event could not be made as safe as its class or a setting demands
    ├── JournalError            a journal cannot be used
    ├── VerificationError       exported data cannot be verified
    └── ReceiverError           the embedded receiver cannot start or cannot use its database

Values never raise: what an event *holds* is converted or counted, whatever it is. Only definitions, settings and plugins,
which a programmer or an operator can mend, raise, and deliveries that were asked for with ``on_failure="closed"``.
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


class DeliveryError(OTelEventsError):
    """The journal could not take an event, and ``on_failure`` is ``closed``: the event is not delivered."""


class JournalError(OTelEventsError, OSError):
    """A journal cannot be used: the text names the file or directory, what was seen, and what to do."""


class VerificationError(OTelEventsError):
    """Exported data cannot be verified: it cannot be read, or holds nothing to verify."""


class ReceiverError(OTelEventsError):
    """The embedded receiver could not start, or its database cannot be used."""
