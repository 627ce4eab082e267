// Package migrate turns the NodeENIs of the community's controller, which has the same group, kind and short name,
// into NodeENIs of this one. It makes no call: Translate takes an object as it is stored and what a person adds to it,
// and returns the new objects together with all that is lost, missing or to be thought about.
//
// What the other controller does with its fields is in fields.go, as far as it matters here:
//
//   - It puts an interface into each subnet of subnetID, subnetIDs, subnetName and subnetNames, in this order, at
//     deviceIndex and the indexes that follow. Here a NodeENI has one subnet: one becomes several.
//   - It finds subnets and security groups by their names. Here they are given by ID, which a person has to add.
//   - mtu and the fields of DPDK are for an agent on the host, which there is none of here.
//
// Its interfaces are not ours: nothing here touches them, and package audit names them.
package migrate
