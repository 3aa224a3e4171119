output "cluster" {
  description = "The cluster: name, API endpoint, CA certificate (PEM in base64), region and version."
  value = {
    name     = local.cluster_name
    endpoint = local.new_cluster ? aws_eks_cluster.this["this"].endpoint : data.aws_eks_cluster.existing[0].endpoint
    ca       = local.new_cluster ? one(aws_eks_cluster.this["this"].certificate_authority[*].data) : one(data.aws_eks_cluster.existing[0].certificate_authority[*].data)
    region   = var.region
    version  = local.new_cluster ? aws_eks_cluster.this["this"].version : data.aws_eks_cluster.existing[0].version
  }
}

output "store_url" {
  description = "The store for models and deployer's state, as deployer.yaml writes it."
  value       = "s3://${aws_s3_bucket.store.bucket}"
}

output "identity" {
  description = "Who pulls and who deploys: the annotations that the pods' ServiceAccounts need, the deployments and the namespace they are for, and both identities by the cloud's own name."
  value = {
    annotations = local.irsa ? { "eks.amazonaws.com/role-arn" = aws_iam_role.pull.arn } : {}
    namespace   = var.namespace
    deployments = sort(var.deployments)
    pull        = aws_iam_role.pull.arn
    deploy      = aws_iam_role.deploy.arn
  }
}

output "registry" {
  description = "Where images go, without a trailing slash; null when the cluster was there already."
  value       = local.new_cluster ? "${local.account}.dkr.ecr.${var.region}.${data.aws_partition.current.dns_suffix}/${var.name}" : null
}

output "node_pools" {
  description = "The pools with what they are made of."
  value = {
    for name, pool in local.pools : name => {
      machine = pool.machine, min = pool.min, max = pool.max, spot = pool.spot, gpus = pool.gpus
    }
  }
}

output "target" {
  description = "All that deployer.yaml needs for this target: `deployer init --from-terraform` reads it."
  value = {
    name        = "aws-${var.region}"
    provider    = "aws"
    region      = var.region
    store       = { url = "s3://${aws_s3_bucket.store.bucket}", endpoint = null }
    cluster     = { eks = local.cluster_name, gke = null, aks = null, resource_group = null }
    namespace   = var.namespace
    machine     = local.new_cluster ? local.pools[local.usual_pool].machine : null
    deployments = sort(var.deployments)
    annotations = local.irsa ? { "eks.amazonaws.com/role-arn" = aws_iam_role.pull.arn } : {}
  }
  # Whoever uses it finds the pods able to pull.
  depends_on = [
    aws_eks_access_policy_association.deploy, aws_eks_node_group.this, aws_eks_pod_identity_association.pull,
    aws_iam_role_policy.pull, aws_s3_bucket_policy.store,
  ]
}
