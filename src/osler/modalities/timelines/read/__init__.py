"""From sources of events to prepared stores, and from a study's rows to where their events lie."""
