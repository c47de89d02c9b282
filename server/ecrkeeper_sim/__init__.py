"""A simulated AWS for ECR registry settings and their roles, which boto3 and the aws CLI talk to unchanged."""
