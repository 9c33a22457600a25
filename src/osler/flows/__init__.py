"""One file per verb: short lists of named steps. The only place where all parts meet."""
