"""A package that cannot be imported."""

raise ValueError("This is a secret of the package.")
