# Two repositories: the image that pulls models, and those of model servers.

resource "aws_ecr_repository" "this" {
  for_each = toset(local.new_cluster ? ["deployer", "servers"] : [])

  name                 = "${var.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.force_destroy
  tags                 = local.tags

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.cluster["this"].arn
  }

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name
  policy     = file("${path.module}/policies/images.json")
}
