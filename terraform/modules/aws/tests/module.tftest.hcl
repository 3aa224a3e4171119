# What the module makes of its variables; no account, no network.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-east-1" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"] }
  }
  mock_data "aws_eks_cluster" {
    defaults = {
      endpoint = "https://eks.example"
      version  = "1.35"
    }
  }
}

variables {
  name             = "models"
  region           = "us-east-1"
  authorized_cidrs = ["203.0.113.0/24"]
}

run "defaults" {
  command = plan

  assert {
    condition     = aws_s3_bucket.store.bucket == "models-models-111122223333" && !aws_s3_bucket.store.force_destroy
    error_message = "The bucket is called after the account, and is kept."
  }
  assert {
    condition     = length(aws_subnet.private) == 3 && length(aws_nat_gateway.this) == 3
    error_message = "Three zones, each with its own way out."
  }
  assert {
    condition     = aws_eks_node_group.this["general"].instance_types[0] == "m6i.large" && aws_eks_node_group.this["general"].ami_type == "AL2023_x86_64_STANDARD"
    error_message = "The usual machine."
  }
  assert {
    condition     = output.target.cluster.eks == "models" && output.target.machine == "m6i.large" && output.store_url == "s3://models-models-111122223333"
    error_message = "The target is what deployer.yaml needs."
  }
  assert {
    condition     = length(output.identity.annotations) == 0 && keys(aws_eks_pod_identity_association.pull) == ["model"]
    error_message = "EKS Pod Identity needs no annotation."
  }
  assert {
    condition     = length(aws_budgets_budget.this) == 0
    error_message = "No budget unless asked for."
  }
}

run "one_nat_gateway_irsa_and_a_budget" {
  command = plan

  variables {
    nat          = "one"
    pod_identity = "irsa"
    deployments  = ["iris", "wine"]
    budget       = { monthly = 500, emails = ["ops@example.com"] }
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["us-east-1a"] && length(aws_route.private) == 3
    error_message = "One NAT gateway serves all zones."
  }
  assert {
    condition     = length(aws_eks_pod_identity_association.pull) == 0 && contains(keys(output.identity.annotations), "eks.amazonaws.com/role-arn")
    error_message = "With IRSA the ServiceAccount carries the role."
  }
  assert {
    condition     = aws_budgets_budget.this["this"].limit_amount == "500"
    error_message = "The budget is what was asked for."
  }
}

run "gpus_and_arm" {
  command = plan

  variables {
    node_pools = {
      general = { machine = "m7g.large" }
      gpu     = { machine = "g5.xlarge", min = 0, gpus = 1 }
      gpuspot = { machine = "g5.xlarge", min = 0, gpus = 1, spot = true, kubernetes_version = "1.33" }
    }
  }

  assert {
    condition     = aws_eks_node_group.this["general"].ami_type == "AL2023_ARM_64_STANDARD" && aws_eks_node_group.this["gpu"].ami_type == "AL2023_x86_64_NVIDIA"
    error_message = "Images by machine."
  }
  assert {
    condition     = [for taint in aws_eks_node_group.this["gpuspot"].taint : taint.key] == ["deployer/spot", "nvidia.com/gpu"] || length(aws_eks_node_group.this["gpuspot"].taint) == 2
    error_message = "GPU and spot nodes keep others away."
  }
  assert {
    condition     = aws_eks_node_group.this["gpuspot"].version == "1.33" && aws_eks_node_group.this["gpu"].version == "1.35"
    error_message = "A pool may lag behind."
  }
}

run "existing_cluster" {
  command = plan

  variables {
    existing_cluster = { name = "prod" }
    authorized_cidrs = []
  }

  assert {
    condition     = length(aws_eks_cluster.this) == 0 && length(aws_vpc.this) == 0 && length(aws_eks_node_group.this) == 0 && length(aws_ecr_repository.this) == 0
    error_message = "Only the store and the identities are made."
  }
  assert {
    condition     = output.cluster.name == "prod" && output.target.cluster.eks == "prod" && output.registry == null
    error_message = "The cluster that is there is the target."
  }
}

run "existing_network" {
  command = plan

  variables {
    existing_network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"] }
  }

  assert {
    condition     = length(aws_vpc.this) == 0 && aws_eks_cluster.this["this"].vpc_config[0].subnet_ids == toset(["subnet-1", "subnet-2"])
    error_message = "Nodes go where they are told."
  }
}

run "a_region_that_is_none" {
  command = plan
  variables { region = "us-east-3" }
  expect_failures = [var.region]
}

run "the_provider_is_in_another_region" {
  command = plan
  variables { region = "eu-west-1" }
  expect_failures = [check.region]
}

run "one_subnet_is_not_enough" {
  command = plan
  variables { existing_network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"] } }
  expect_failures = [var.existing_network]
}
