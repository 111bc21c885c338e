"""The real servers that the tests send events to: how they are built, started, asked and stopped."""
