"""Host integrations, one file a host."""
