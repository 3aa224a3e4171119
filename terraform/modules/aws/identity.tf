# Two identities: `pull` reads models and nothing else; `deploy` writes the store and one namespace.

locals {
  irsa        = var.pod_identity == "irsa"
  issuer_url  = !local.irsa ? "" : local.new_cluster ? try(aws_eks_cluster.this["this"].identity[0].oidc[0].issuer, "") : data.aws_eks_cluster.existing[0].identity[0].oidc[0].issuer
  issuer_host = trimprefix(local.issuer_url, "https://")
  # An existing cluster has its provider already, one per issuer and account.
  issuer_arn = local.irsa ? (local.new_cluster ? aws_iam_openid_connect_provider.this["this"].arn : "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.issuer_host}") : ""
}

resource "aws_iam_openid_connect_provider" "this" {
  for_each = local.irsa ? local.own_cluster : []

  url            = local.issuer_url
  client_id_list = ["sts.amazonaws.com"]
  tags           = local.tags
}

resource "aws_iam_role" "pull" {
  name = "${var.name}-pull"
  assume_role_policy = local.irsa ? templatefile("${path.module}/policies/trust-irsa.json", {
    issuer_arn  = local.issuer_arn
    issuer_host = local.issuer_host
    subjects    = [for deployment in sort(var.deployments) : "system:serviceaccount:${var.namespace}:${deployment}"]
    }) : templatefile("${path.module}/policies/trust-pods.json", {
    account     = local.account
    cluster_arn = "arn:${local.partition}:eks:${var.region}:${local.account}:cluster/${local.cluster_name}"
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "pull" {
  name = "pull"
  role = aws_iam_role.pull.id
  policy = templatefile("${path.module}/policies/pull.json", {
    bucket_arn = local.bucket_arn, key_arn = aws_kms_key.store.arn
  })
}

resource "aws_eks_pod_identity_association" "pull" {
  for_each = local.irsa ? [] : var.deployments

  cluster_name    = local.new_cluster ? aws_eks_cluster.this["this"].name : local.cluster_name
  namespace       = var.namespace
  service_account = each.key
  role_arn        = aws_iam_role.pull.arn
  tags            = local.tags
}

resource "aws_iam_role" "deploy" {
  name = "${var.name}-deploy"
  assume_role_policy = templatefile("${path.module}/policies/trust-principals.json", {
    principals = length(var.deployers) > 0 ? sort(var.deployers) : ["arn:${local.partition}:iam::${local.account}:root"]
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "deploy" {
  name = "deploy"
  role = aws_iam_role.deploy.id
  policy = templatefile("${path.module}/policies/deploy.json", {
    bucket_arn  = local.bucket_arn
    key_arn     = aws_kms_key.store.arn
    cluster_arn = "arn:${local.partition}:eks:${var.region}:${local.account}:cluster/${local.cluster_name}"
  })
}

resource "aws_eks_access_entry" "deploy" {
  cluster_name  = local.new_cluster ? aws_eks_cluster.this["this"].name : local.cluster_name
  principal_arn = aws_iam_role.deploy.arn
  tags          = local.tags
}

resource "aws_eks_access_policy_association" "deploy" {
  cluster_name  = aws_eks_access_entry.deploy.cluster_name
  principal_arn = aws_iam_role.deploy.arn
  policy_arn    = "arn:${local.partition}:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"

  access_scope {
    type       = "namespace"
    namespaces = [var.namespace]
  }
}
