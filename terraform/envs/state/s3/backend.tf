# Terraform's state in S3, encrypted and locked by a file beside it (Terraform 1.10 and newer): copy
# it into an environment. The bucket is made once, by hand, with versioning on.
terraform {
  required_version = ">= 1.10"

  backend "s3" {
    bucket       = "example-terraform-state"
    key          = "deployer/terraform.tfstate"
    region       = "us-east-1"
    encrypt      = true
    use_lockfile = true
  }
}
