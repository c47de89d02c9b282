"""A simulated AWS (ECR registry settings, IAM, STS, Secrets Manager, Account) that boto3 and the aws CLI talk to unchanged."""
