# A VPC over three zones: nodes in private subnets, load balancers and NAT gateways in public ones.

data "aws_availability_zones" "available" {
  for_each = local.new_network ? local.own_cluster : []

  state = "available"
  # EKS puts no control plane there (Amazon EKS user guide, "VPC and subnet requirements").
  exclude_zone_ids = ["use1-az3", "usw1-az2", "cac1-az3"]

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones      = local.new_network ? slice(sort(data.aws_availability_zones.available["this"].names), 0, 3) : []
  nat_zones  = toset(var.nat == "one" ? slice(local.zones, 0, min(1, length(local.zones))) : local.zones)
  subnet_ids = local.new_network ? [for subnet in aws_subnet.private : subnet.id] : try(var.existing_network.subnet_ids, [])
}

resource "aws_vpc" "this" {
  for_each = local.new_network ? local.own_cluster : []

  cidr_block           = local.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true
  tags                 = merge(local.tags, { Name = var.name })
}

# Nothing uses it, and nothing gets through it.
resource "aws_default_security_group" "closed" {
  for_each = aws_vpc.this

  vpc_id = each.value.id
  tags   = merge(local.tags, { Name = "${var.name}-closed" })
}

resource "aws_subnet" "private" {
  for_each = toset(local.zones)

  vpc_id            = aws_vpc.this["this"].id
  availability_zone = each.key
  cidr_block        = cidrsubnet(local.cidr, 2, 1 + index(local.zones, each.key))
  tags = merge(local.tags, {
    Name                              = "${var.name}-private-${each.key}"
    "kubernetes.io/role/internal-elb" = "1"
  })
}

resource "aws_subnet" "public" {
  for_each = toset(local.zones)

  vpc_id                  = aws_vpc.this["this"].id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(local.cidr, 6, index(local.zones, each.key))
  map_public_ip_on_launch = false
  tags = merge(local.tags, {
    Name                     = "${var.name}-public-${each.key}"
    "kubernetes.io/role/elb" = "1"
  })
}

resource "aws_internet_gateway" "this" {
  for_each = aws_vpc.this

  vpc_id = each.value.id
  tags   = merge(local.tags, { Name = var.name })
}

resource "aws_eip" "nat" {
  for_each = local.nat_zones

  domain = "vpc"
  tags   = merge(local.tags, { Name = "${var.name}-nat-${each.key}" })
}

resource "aws_nat_gateway" "this" {
  for_each = local.nat_zones

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id
  tags          = merge(local.tags, { Name = "${var.name}-${each.key}" })

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route_table" "public" {
  for_each = aws_vpc.this

  vpc_id = each.value.id
  tags   = merge(local.tags, { Name = "${var.name}-public" })
}

resource "aws_route" "public" {
  for_each = aws_route_table.public

  route_table_id         = each.value.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this["this"].id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  subnet_id      = each.value.id
  route_table_id = aws_route_table.public["this"].id
}

resource "aws_route_table" "private" {
  for_each = toset(local.zones)

  vpc_id = aws_vpc.this["this"].id
  tags   = merge(local.tags, { Name = "${var.name}-private-${each.key}" })
}

resource "aws_route" "private" {
  for_each = toset(local.zones)

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[var.nat == "one" ? local.zones[0] : each.key].id
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  subnet_id      = each.value.id
  route_table_id = aws_route_table.private[each.key].id
}

# Models come from S3: by this way they cross no NAT gateway, which would charge per GB.
resource "aws_vpc_endpoint" "s3" {
  for_each = aws_vpc.this

  vpc_id            = each.value.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for table in aws_route_table.private : table.id]
  tags              = merge(local.tags, { Name = "${var.name}-s3" })
}
