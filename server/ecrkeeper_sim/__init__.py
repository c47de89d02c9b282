"""A simulated AWS for ECR registry settings and roles, for boto3 and the aws CLI."""
