"""The documentation site: the pages of docs/, and references that are generated."""
