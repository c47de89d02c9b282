"""All declarations as a stream of YAML documents, out of a store and into one."""
