"""Export and import of all declarations as a stream of YAML documents."""
