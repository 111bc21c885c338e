"""What ``otel-events doctor`` looks at: the way of a canary from the application over the collector to the backends."""
