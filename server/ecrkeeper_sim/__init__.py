"""A simulated AWS for ECR registry settings and their roles, for boto3 and the aws CLI."""
