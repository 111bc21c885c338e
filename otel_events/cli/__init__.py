"""The commands of ``otel-events``, one file each."""
