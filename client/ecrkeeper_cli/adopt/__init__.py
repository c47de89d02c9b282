"""The hand-over from Terraform and CloudFormation to ecrkeeper."""
