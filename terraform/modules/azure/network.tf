resource "azurerm_virtual_network" "this" {
  for_each = local.new_network ? local.own_cluster : []

  name                = var.name
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  address_space       = [local.cidr]
  tags                = local.tags
}

# Pods have addresses of an overlay: the network holds the nodes alone.
resource "azurerm_subnet" "nodes" {
  for_each = azurerm_virtual_network.this

  name                 = "nodes"
  resource_group_name  = azurerm_resource_group.this.name
  virtual_network_name = each.value.name
  address_prefixes     = [cidrsubnet(local.cidr, 4, 0)]
  # Models come from Blob Storage: by this way they stay on Azure's network.
  service_endpoints = ["Microsoft.Storage"]
}

resource "azurerm_network_security_group" "nodes" {
  for_each = azurerm_virtual_network.this

  name                = "${var.name}-nodes"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.region
  tags                = local.tags
}

resource "azurerm_subnet_network_security_group_association" "nodes" {
  for_each = azurerm_subnet.nodes

  subnet_id                 = each.value.id
  network_security_group_id = azurerm_network_security_group.nodes["this"].id
}

locals {
  subnet_id = local.new_network ? azurerm_subnet.nodes["this"].id : try(var.existing_network.subnet_id, null)
}
