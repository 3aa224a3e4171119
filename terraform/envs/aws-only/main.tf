# One cluster on AWS, with GPUs that cost nothing until a model asks for one.

provider "aws" {
  region = var.region
}

module "aws" {
  source = "../../modules/aws"

  name             = var.name
  region           = var.region
  authorized_cidrs = var.authorized_cidrs
  deployments      = var.deployments

  node_pools = {
    general = { machine = "m6i.large", min = 2, max = 6 }
    gpu     = { machine = "g5.xlarge", min = 0, max = 2, gpus = 1 }
    gpuspot = { machine = "g5.xlarge", min = 0, max = 4, gpus = 1, spot = true }
  }
}
