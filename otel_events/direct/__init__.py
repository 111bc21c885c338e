"""The direct pipeline: events are encoded once to OTLP and sent without the SDK."""
