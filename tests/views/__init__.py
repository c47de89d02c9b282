"""Views of registries and the sizes of responses."""
