# Written by terraform/generate.py from the price book.

locals {
  # Of these regions the book knows machines; of others it can say nothing.
  gpu_regions = ["ap-southeast-1", "eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]

  gpu_machines = {
    "g4dn.12xlarge" = ["ap-southeast-1", "eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]
    "g4dn.2xlarge"  = ["ap-southeast-1", "eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]
    "g4dn.xlarge"   = ["ap-southeast-1", "eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]
    "g5.12xlarge"   = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]
    "g5.2xlarge"    = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]
    "g5.xlarge"     = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]
    "g6.2xlarge"    = ["us-east-1", "us-west-2"]
    "g6.8xlarge"    = ["us-east-1", "us-west-2"]
    "g6.xlarge"     = ["eu-central-1", "us-east-1", "us-west-2"]
    "p4d.24xlarge"  = ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]
    "p5.48xlarge"   = ["us-east-1", "us-west-2"]
    "p5.4xlarge"    = ["us-east-1", "us-west-2"]
    "p5en.48xlarge" = ["us-east-1"]
  }
}
