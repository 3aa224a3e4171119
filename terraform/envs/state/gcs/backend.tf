# Terraform's state in Cloud Storage, which locks by itself: copy it into an environment. The bucket
# is made once, by hand, with versioning on.
terraform {
  required_version = ">= 1.9"

  backend "gcs" {
    bucket = "example-terraform-state"
    prefix = "deployer"
  }
}
