"""Emitting on the OpenTelemetry SDK: the one package that imports it."""
