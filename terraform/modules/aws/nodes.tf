resource "aws_iam_role" "node" {
  for_each = local.own_cluster

  name               = "${var.name}-node"
  assume_role_policy = templatefile("${path.module}/policies/trust-service.json", { service = "ec2.amazonaws.com" })
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "node" {
  for_each = toset(local.new_cluster ? ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly"] : [])

  role       = aws_iam_role.node["this"].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/${each.key}"
}

resource "aws_launch_template" "node" {
  for_each = local.pools

  name                   = "${var.name}-${each.key}"
  update_default_version = true
  tags                   = local.tags

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      delete_on_termination = true
      encrypted             = true
      volume_size           = each.value.disk_gib
      volume_type           = "gp3"
    }
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume", "network-interface"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(local.tags, { Name = "${var.name}-${each.key}" })
    }
  }
}

resource "aws_eks_node_group" "this" {
  for_each = local.pools

  cluster_name    = aws_eks_cluster.this["this"].name
  node_group_name = each.key
  node_role_arn   = aws_iam_role.node["this"].arn
  subnet_ids      = local.subnet_ids
  version         = coalesce(each.value.kubernetes_version, var.kubernetes_version)
  instance_types  = [each.value.machine]
  capacity_type   = each.value.spot ? "SPOT" : "ON_DEMAND"
  # Graviton's families are called like m7g: a g behind the generation. GPUs get NVIDIA's driver.
  ami_type = each.value.gpus > 0 ? "AL2023_x86_64_NVIDIA" : can(regex("^[a-z]+[0-9]+g[a-z]*[.]", each.value.machine)) ? "AL2023_ARM_64_STANDARD" : "AL2023_x86_64_STANDARD"
  labels   = merge(each.value.labels, { pool = each.key, "deployer/spot" = tostring(each.value.spot) })
  tags     = local.tags

  launch_template {
    id      = aws_launch_template.node[each.key].id
    version = aws_launch_template.node[each.key].latest_version
  }

  scaling_config {
    min_size     = each.value.min
    desired_size = each.value.min
    max_size     = each.value.max
  }

  update_config {
    max_unavailable = 1
  }

  dynamic "taint" {
    for_each = concat(
      each.value.gpus > 0 ? [{ key = "nvidia.com/gpu", value = "present" }] : [],
      each.value.spot ? [{ key = "deployer/spot", value = "true" }] : [],
    )

    content {
      key    = taint.value.key
      value  = taint.value.value
      effect = "NO_SCHEDULE"
    }
  }

  lifecycle {
    # An autoscaler moves it.
    ignore_changes = [scaling_config[0].desired_size]
  }

  depends_on = [aws_iam_role_policy_attachment.node]
}
