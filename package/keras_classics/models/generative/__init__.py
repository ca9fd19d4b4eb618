"""Networks that make pictures; what trains them stands in `training`."""
