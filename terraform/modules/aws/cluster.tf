data "aws_eks_cluster" "existing" {
  count = local.new_cluster ? 0 : 1

  name = var.existing_cluster.name
}

resource "aws_kms_key" "cluster" {
  for_each = local.own_cluster

  description             = "${var.name}: the cluster's secrets, nodes' disks, images and logs"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy = templatefile("${path.module}/policies/cluster-key.json", {
    partition = local.partition, account = local.account, region = var.region, name = var.name
  })
  tags = local.tags
}

resource "aws_kms_alias" "cluster" {
  for_each = local.own_cluster

  name          = "alias/${var.name}-cluster"
  target_key_id = aws_kms_key.cluster["this"].key_id
}

resource "aws_cloudwatch_log_group" "cluster" {
  for_each = var.control_plane_logs ? local.own_cluster : []

  name              = "/aws/eks/${var.name}/cluster"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.cluster["this"].arn
  tags              = local.tags
}

resource "aws_iam_role" "cluster" {
  for_each = local.own_cluster

  name               = "${var.name}-cluster"
  assume_role_policy = templatefile("${path.module}/policies/trust-service.json", { service = "eks.amazonaws.com" })
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "cluster" {
  for_each = local.own_cluster

  role       = aws_iam_role.cluster["this"].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/AmazonEKSClusterPolicy"
}

resource "aws_eks_cluster" "this" {
  for_each = local.own_cluster

  name                      = var.name
  version                   = var.kubernetes_version
  role_arn                  = aws_iam_role.cluster["this"].arn
  enabled_cluster_log_types = var.control_plane_logs ? ["api", "audit", "authenticator", "controllerManager", "scheduler"] : []
  tags                      = local.tags

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = length(var.admins) == 0
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = aws_kms_key.cluster["this"].arn
    }
  }

  upgrade_policy {
    # Extended support costs six times as much; an upgrade is due instead.
    support_type = "STANDARD"
  }

  vpc_config {
    subnet_ids              = local.subnet_ids
    endpoint_private_access = true
    endpoint_public_access  = !var.private_endpoint
    public_access_cidrs     = var.private_endpoint ? null : var.authorized_cidrs
  }

  depends_on = [aws_cloudwatch_log_group.cluster, aws_iam_role_policy_attachment.cluster]
}

resource "aws_eks_access_entry" "admin" {
  for_each = toset(local.new_cluster ? var.admins : [])

  cluster_name  = aws_eks_cluster.this["this"].name
  principal_arn = each.key
  tags          = local.tags
}

resource "aws_eks_access_policy_association" "admin" {
  for_each = aws_eks_access_entry.admin

  cluster_name  = each.value.cluster_name
  principal_arn = each.value.principal_arn
  policy_arn    = "arn:${local.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

locals {
  addons = local.new_cluster ? merge(
    {
      coredns        = null
      kube-proxy     = null
      metrics-server = null
      vpc-cni        = jsonencode({ enableNetworkPolicy = "true" })
    },
    var.pod_identity == "pod-identity" ? { eks-pod-identity-agent = null } : {},
  ) : {}
}

resource "aws_eks_addon" "this" {
  for_each = local.addons

  cluster_name                = aws_eks_cluster.this["this"].name
  addon_name                  = each.key
  configuration_values        = each.value
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
  tags                        = local.tags

  # Some need a node before they are healthy.
  depends_on = [aws_eks_node_group.this]
}
