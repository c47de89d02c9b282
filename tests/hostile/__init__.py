"""Invalid responses of AWS, and credentials of other accounts."""
