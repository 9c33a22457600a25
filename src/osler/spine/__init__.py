"""The steps of the flow. Steps do not import one another: they pass types of the core."""
