"""The IAM policies that ecrkeeper needs."""
